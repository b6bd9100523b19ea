// The virtio devices here and in QEMU: the same registers, and the same answers to the same drivers.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../../../../test/support/random';
import { requireTool } from '../../../../test/support/tools';
import { OwnBench, QemuBench } from '../../../../test/support/virtio-bench';
import type { VirtioBench } from '../../../../test/support/virtio-bench';
import type { TestBuffer } from '../../../../test/support/virtio-driver';
import { REG, VirtioDriver } from '../../../../test/support/virtio-driver';
import { checksum, readFrame, readIp, readUdp, writeFrame, writeIp, writeUdp } from '../../network/packets';
import type { Width } from '../device';
import { VirtioBlock } from './block';
import { VirtioConsole } from './console';
import { VirtioEntropy } from './entropy';
import { Gateway } from '../../network/gateway';
import { VirtioNetwork } from './network';
import { MemoryStorage } from './storage';
import type { VirtioDevice } from './virtio-device';

const BASE = 0x10001000;
const SECTORS = 2000;
/** With them QEMU 7.2, too, says how many buffers a frame fills. */
const MERGEABLE_BUFFERS = 1n << 15n;
const SLOT = 'bus=virtio-mmio-bus.0';

interface Kind {
  make(): VirtioDevice | undefined;
  /** QEMU's arguments for the same device; `disk` is a file with the disk's contents. */
  arguments(disk: string): readonly string[];
}

const contents = Uint8Array.from({ length: SECTORS * 512 }, (_, i) => (i >> 9) * 7 + i);
const drive = (disk: string, more = '') => ['-drive', `file=${disk},format=raw,if=none,id=x,snapshot=on${more}`];

const KINDS: Readonly<Record<string, Kind>> = {
  'empty slot': { make: () => undefined, arguments: () => [] },
  disk: {
    make: () => new VirtioBlock({ storage: new MemoryStorage(contents), serial: 'abc' }),
    arguments: (disk) => [...drive(disk), '-device', `virtio-blk-device,drive=x,serial=abc,${SLOT}`],
  },
  'read-only disk': {
    make: () => new VirtioBlock({ storage: new MemoryStorage(contents, true), serial: 'abc' }),
    arguments: (disk) => [
      ...['-drive', `file=${disk},format=raw,if=none,id=x,readonly=on`],
      ...['-device', `virtio-blk-device,drive=x,serial=abc,${SLOT}`],
    ],
  },
  entropy: { make: () => new VirtioEntropy(), arguments: () => ['-device', `virtio-rng-device,${SLOT}`] },
  console: {
    make: () => new VirtioConsole(),
    arguments: () => [
      ...['-device', `virtio-serial-device,max_ports=1,${SLOT}`],
      ...['-chardev', 'null,id=c', '-device', 'virtconsole,chardev=c'],
    ],
  },
  network: {
    make: () => new VirtioNetwork(new Gateway()),
    arguments: () => ['-netdev', 'user,id=n', '-device', `virtio-net-device,netdev=n,${SLOT}`],
  },
};

/** What reading registers gives after random writes that start no request. */
async function registers(bench: VirtioBench, seed: number): Promise<string[]> {
  const random = new Random(seed);
  const log: string[] = [];
  const see = async (offset: number, width: Width) => {
    log.push(`${offset.toString(16)}/${width} = ${(await bench.read(BASE + offset, width)).toString(16)}`);
  };
  for (let offset = 0; offset < 0x100; offset += 4) await see(offset, 4);
  for (let offset = 0x100; offset < 0x150; offset++) await see(offset, 1);
  const settings: readonly (readonly [register: number, values: readonly number[]])[] = [
    [REG.deviceFeaturesSelect, [0, 1, 2]],
    [REG.driverFeaturesSelect, [0, 1, 2]],
    [REG.driverFeatures, [0, 1, 0x3000_0000, 0xffff_ffff]],
    [REG.queueSelect, [0, 1, 2, 3, 4, 7, 1023, 1024, 0xffff_ffff]],
    [REG.queueNum, [0, 1, 8, 16, 1024, 1025]],
    [REG.guestPageSize, [4096, 4096, 8192]],
    [REG.queuePfn, [0, 0x80001, 0x80010]],
    [REG.queueReady, [0, 0]],
    [REG.status, [0, 1, 3, 7, 11]],
    [REG.interruptAcknowledge, [1, 3]],
    [REG.config + 8 * random.below(8), [0]],
  ];
  for (let round = 0; round < 1500; round++) {
    const [register, values] = random.pick(settings);
    // The registers only, in words: what a console prints when its configuration is written is not our subject.
    if (register < REG.config) await bench.write(BASE + register, 4, random.pick(values));
    const offset = random.pick([4 * random.below(64), 0x100 + 4 * random.below(20)]);
    await see(offset, offset < 0x100 ? random.pick([4, 4, 4, 2]) : random.pick([1, 2, 4]));
  }
  return log;
}

function header(type: number, sector: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setBigUint64(8, BigInt(sector), true);
  return bytes;
}

function segment(random: Random): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(random.pick([0, 5, SECTORS - 1, SECTORS, 2 ** 40])), true);
  view.setUint32(8, random.pick([1, 2, 9, 0x40_0000]), true);
  view.setUint32(12, random.pick([0, 0, 0, 1, 2]), true);
  return bytes;
}

/** A request to a disk, mostly one that makes sense. */
function request(random: Random): readonly TestBuffer[] {
  const sector = random.pick([0, 1, 77, SECTORS - 2, SECTORS - 1, SECTORS, 2 ** 40]);
  const data = () => Uint8Array.from({ length: random.pick([512, 512, 1024, 100]) }, () => random.below(256));
  const kinds: readonly (() => readonly TestBuffer[])[] = [
    () => [header(0, sector), random.pick([512, 1024, 100]), 1],
    () => [header(0, sector), 500, 12, 512, 1],
    () => [header(0, sector), 513],
    () => [header(1, sector), data(), 1],
    () => [header(1, sector), data(), 3],
    () => [header(4, 0), 1],
    () => [header(8, 0), random.pick([3, 20, 40]), 1],
    () => [header(13, 0), segment(random), 1],
    () => [header(11, 0), segment(random), 1],
    () => [header(13, 0), Buffer.concat([segment(random), segment(random)]), 1],
    () => [header(random.pick([3, 5, 9, 12, 0x40]), sector), 20, 1],
  ];
  return random.pick(kinds)();
}

async function requests(bench: VirtioBench, seed: number, indirect: boolean): Promise<string[]> {
  const random = new Random(seed);
  const driver = await VirtioDriver.start(bench, { features: 0x3000_0000n, indirect, queueSize: 16 });
  const log: string[] = [];
  for (let round = 0; round < 300; round++) {
    const buffers = request(random);
    const { written, data } = await driver.send(0, ...buffers);
    const sent = buffers.map((buffer) => (typeof buffer === 'number' ? buffer : Buffer.from(buffer).toString('hex')));
    log.push(`${sent.join(' ')} → ${written} ${data.map((part) => Buffer.from(part).toString('hex')).join(' ')}`);
  }
  return log;
}

/** An ARP request, a ping and a DHCP request to the gateway, and what is the same of every answer. */
async function conversation(bench: VirtioBench): Promise<string[]> {
  const driver = await VirtioDriver.start(bench, { queues: 3, features: MERGEABLE_BUFFERS });
  const header = 12;
  const card = [0x52, 0x54, 0, 0x12, 0x34, 0x56];
  const all = [255, 255, 255, 255, 255, 255];
  const [guest, gateway] = [
    [10, 0, 2, 15],
    [10, 0, 2, 2],
  ] as const;
  const echo = Uint8Array.of(8, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8);
  const sum = checksum(echo);
  echo.set([sum >> 8, sum & 255], 2);
  const discover = new Uint8Array(300);
  discover.set([1, 1, 6, 0, 9, 8, 7, 6]);
  discover.set(card, 28);
  discover.set([0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255], 236);
  const path = { source: [0, 0, 0, 0], destination: [255, 255, 255, 255] } as const;
  const udp = writeUdp({ sourcePort: 68, destinationPort: 67, payload: discover }, path);
  const packets: readonly (readonly [type: number, payload: Uint8Array])[] = [
    [0x806, Uint8Array.of(0, 1, 8, 0, 6, 4, 0, 1, ...card, ...guest, 0, 0, 0, 0, 0, 0, ...gateway)],
    [0x800, writeIp({ source: guest, destination: gateway, protocol: 1, payload: echo })],
    [0x800, writeIp({ ...path, protocol: 17, payload: udp })],
  ];
  const log: string[] = [];
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  for (const [type, payload] of packets) {
    const room = await driver.offer(0, [1600]);
    await driver.set(REG.queueNotify, 0);
    await driver.send(1, new Uint8Array(header), writeFrame({ destination: all, source: card, type, payload }));
    const [buffer] = (await driver.receive(room)).data;
    const frame = readFrame(buffer.subarray(header))!;
    const ip = type === 0x800 ? readIp(frame.payload) : undefined;
    log.push(`${hex(buffer.subarray(0, header))} ${hex(Uint8Array.from([...frame.destination, ...frame.source]))}`);
    if (!ip) log.push(hex(frame.payload.subarray(0, 28)));
    else if (ip.protocol === 1) log.push(`${ip.source} ${ip.destination} ${hex(ip.payload)}`);
    else log.push(`${ip.source} ${ip.destination} ${hex(readUdp(ip.payload)!.payload.subarray(0, 44))}`);
  }
  return log;
}

describe('Virtio devices against QEMU', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'virtio-'))));
  after(() => rmSync(folder, { recursive: true }));

  async function compare(
    context: Mocha.Context,
    kind: Kind,
    legacy: boolean,
    work: (bench: VirtioBench) => Promise<string[]>,
  ): Promise<void> {
    const disk = join(folder, 'disk.img');
    writeFileSync(disk, contents);
    const executable = requireTool('qemu-system-riscv64', context);
    // A network card is deaf while the machine stands still: it runs a loop of WFI.
    const idle = join(folder, 'idle.bin');
    writeFileSync(idle, Uint8Array.of(0x73, 0, 0x50, 0x10, 0x6f, 0xf0, 0xdf, 0xff));
    const qemu = new QemuBench(executable, legacy, [...kind.arguments(disk), '-bios', idle]);
    try {
      const theirs = await work(qemu);
      const ours = await work(new OwnBench(kind.make(), legacy));
      theirs.forEach((line, index) => assert.equal(ours[index], line, `line ${index}`));
      assert.equal(ours.length, theirs.length);
    } finally {
      qemu.stop();
    }
  }

  for (const legacy of [true, false]) {
    const version = legacy ? 'legacy' : 'modern';
    for (const [name, kind] of Object.entries(KINDS)) {
      it(`registers of a slot: ${name}, ${version}`, async function () {
        await compare(this, kind, legacy, (bench) => registers(bench, 3));
      });
    }
    it(`the gateway, ${version}`, async function () {
      await compare(this, KINDS['network'], legacy, conversation);
    });
    for (const name of ['disk', 'read-only disk']) {
      for (const indirect of [false, true]) {
        it(`requests to a ${name}, ${version}, ${indirect ? 'indirect' : 'direct'}`, async function () {
          await compare(this, KINDS[name], legacy, (bench) => requests(bench, 5, indirect));
        });
      }
    }
  }
});
