/** Where a virtio driver can run: on the devices of this machine, or on QEMU's through its qtest protocol. */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Bus } from '../../src/machine/bus';
import type { Width } from '../../src/machine/devices/device';
import { DeviceClock } from '../../src/machine/devices/device-clock';
import type { DmaMemory } from '../../src/machine/devices/virtio/dma-memory';
import type { VirtioDevice } from '../../src/machine/devices/virtio/virtio-device';
import { VirtioMmio } from '../../src/machine/devices/virtio/virtio-mmio';

export const MEMORY_BASE = 0x80000000;

export interface VirtioBench {
  read(address: number, width: Width): Promise<number>;
  write(address: number, width: Width, value: number): Promise<void>;
  readMemory(address: number, length: number): Promise<Uint8Array>;
  writeMemory(address: number, bytes: Uint8Array): Promise<void>;
  /** Lets the device do what it does later. */
  wait(): Promise<void>;
}

/** A stretch of memory from 0x80000000 on. */
export class TestMemory implements DmaMemory {
  readonly data: Uint8Array;
  private readonly view: DataView;

  constructor(size = 2 ** 20) {
    this.data = new Uint8Array(size);
    this.view = new DataView(this.data.buffer);
  }

  contains(address: number, length: number): boolean {
    return address >= MEMORY_BASE && address + length <= MEMORY_BASE + this.data.length;
  }

  read16(address: number): number {
    return this.view.getUint16(address - MEMORY_BASE, true);
  }

  read32(address: number): number {
    return this.view.getUint32(address - MEMORY_BASE, true);
  }

  read64(address: number): bigint {
    return this.view.getBigUint64(address - MEMORY_BASE, true);
  }

  write16(address: number, value: number): void {
    this.view.setUint16(address - MEMORY_BASE, value, true);
  }

  write32(address: number, value: number): void {
    this.view.setUint32(address - MEMORY_BASE, value, true);
  }

  bytes(address: number, length: number): Uint8Array {
    if (!this.contains(address, length)) throw new RangeError(`0x${address.toString(16)} is outside`);
    return this.data.subarray(address - MEMORY_BASE, address - MEMORY_BASE + length);
  }

  load(address: number, bytes: Uint8Array): void {
    this.bytes(address, bytes.length).set(bytes);
  }
}

/** One slot of this machine, with a device in it. */
export class OwnBench implements VirtioBench {
  readonly bus = new Bus();
  readonly memory: TestMemory;
  readonly clock: DeviceClock;
  readonly slot: VirtioMmio;
  /** Levels of the interrupt line, in order. */
  readonly lines: boolean[] = [];
  readonly problems: string[] = [];
  private ticks = 0;

  constructor(device: VirtioDevice | undefined, legacy: boolean, memory = new TestMemory()) {
    this.memory = memory;
    this.clock = new DeviceClock(() => this.ticks);
    this.slot = new VirtioMmio({ slot: 0, legacy, memory, clock: this.clock, ...(device && { device }) });
    this.slot.onInterrupt = (level) => this.lines.push(level);
    this.slot.onProblem = (message) => this.problems.push(message);
    this.bus.add(this.slot);
  }

  read(address: number, width: Width): Promise<number> {
    return Promise.resolve(Number(this.bus.read(address, width) ?? 0n));
  }

  write(address: number, width: Width, value: number): Promise<void> {
    this.bus.write(address, width, BigInt(value));
    return Promise.resolve();
  }

  readMemory(address: number, length: number): Promise<Uint8Array> {
    return Promise.resolve(this.memory.bytes(address, length).slice());
  }

  writeMemory(address: number, bytes: Uint8Array): Promise<void> {
    this.memory.load(address, bytes);
    return Promise.resolve();
  }

  wait(): Promise<void> {
    this.ticks++;
    this.clock.runDue();
    return Promise.resolve();
  }
}

const LETTERS = { 1: 'b', 2: 'w', 4: 'l', 8: 'q' } as const;

/** QEMU's `virt` machine, with the devices that its arguments say. It runs the `-bios` that they name. */
export class QemuBench implements VirtioBench {
  private readonly process: ChildProcessWithoutNullStreams;
  private readonly waiting: ((words: readonly string[]) => void)[] = [];
  private ended = '';

  constructor(executable: string, legacy: boolean, args: readonly string[]) {
    const machine = ['-machine', 'virt', '-m', '16M', '-display', 'none', '-serial', 'null', '-monitor', 'none'];
    const transport = ['-global', `virtio-mmio.force-legacy=${legacy}`];
    this.process = spawn(executable, [...machine, ...transport, '-qtest', 'stdio', '-qtest-log', 'none', ...args]);
    this.process.stderr.setEncoding('utf8').on('data', (text: string) => (this.ended += text));
    createInterface({ input: this.process.stdout }).on('line', (line) => {
      const words = line.split(' ');
      if (words[0] !== 'IRQ') this.waiting.shift()?.(words);
    });
    this.process.on('close', () => {
      this.ended ||= 'QEMU ended';
      for (const answer of this.waiting.splice(0)) answer(['FAIL']);
    });
    this.process.stdin.on('error', () => undefined); // it has ended: 'close' tells
  }

  async read(address: number, width: Width): Promise<number> {
    return Number(await this.command(`read${LETTERS[width]} 0x${address.toString(16)}`));
  }

  async write(address: number, width: Width, value: number): Promise<void> {
    await this.command(`write${LETTERS[width]} 0x${address.toString(16)} 0x${value.toString(16)}`);
  }

  async readMemory(address: number, length: number): Promise<Uint8Array> {
    const text = await this.command(`read 0x${address.toString(16)} ${length}`);
    return new Uint8Array(Buffer.from(text.slice(2), 'hex'));
  }

  async writeMemory(address: number, bytes: Uint8Array): Promise<void> {
    const text = Buffer.from(bytes).toString('hex');
    await this.command(`write 0x${address.toString(16)} ${bytes.length} 0x${text}`);
  }

  wait(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, 2));
  }

  stop(): void {
    this.process.kill('SIGKILL');
  }

  private async command(text: string): Promise<string> {
    if (this.ended) throw new Error(this.ended);
    const words = await new Promise<readonly string[]>((resolve) => {
      this.waiting.push(resolve);
      this.process.stdin.write(`${text}\n`);
    });
    if (words[0] !== 'OK') throw new Error(this.ended || `${text}: ${words.join(' ')}`);
    return words[1] ?? '';
  }
}
