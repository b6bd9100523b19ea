// Loading: what goes where, and what is refused with which words.
import assert from 'node:assert/strict';
import { readFdt } from '../../test/support/fdt';
import * as at from '../engine/layout';
import { PhysicalMemory } from '../engine/physical-memory';
import type { BootMemory, BootProgram, ProgramSegment } from './boot';
import { BootError, boot } from './boot';
import { MACHINE_OFFSET, SUPERVISOR_OFFSET, flatProgram } from './boot-image';

const RAM = 0x80000000;
const MIB = 1 << 20;
const TREE = { harts: 1, isa: 'rv64imac' };

/** Memory that only notes what is written to it. */
function makeMemory(megabytes: number, base = RAM) {
  const log: string[] = [];
  const loaded = new Map<number, Uint8Array>();
  const memory: BootMemory = {
    base,
    size: megabytes * MIB,
    name: 'the memory of guest 1',
    load(address, data) {
      log.push(`load 0x${address.toString(16)} ${data.length}`);
      if (data instanceof Uint8Array) loaded.set(address, data);
    },
    clear: (address, length) => log.push(`clear 0x${address.toString(16)} ${length}`),
  };
  return { memory, log, loaded };
}

function segment(address: number, size: number, more: Partial<ProgramSegment> = {}): ProgramSegment {
  return { address, data: new Uint8Array(size), memorySize: size, ...more };
}

function kernel(address = 0x80200000, size = 0x1000): BootProgram {
  return { entry: BigInt(address), segments: [segment(address, size)] };
}

describe('boot', () => {
  it('loads segments, clears what follows them, and puts the tree where QEMU does', () => {
    const { memory, log, loaded } = makeMemory(128);
    const program = {
      entry: 0x80200010n,
      segments: [segment(0x80200000, 0x1000), segment(0x80300000, 0x10, { memorySize: 0x5000 })],
    };
    const state = boot({ program, memory, tree: TREE });
    assert.deepEqual([state.entry, state.a0, state.a1], [0x80200010n, 0n, 0x87e00000n]);
    assert.deepEqual(log.slice(0, 3), ['load 0x80200000 4096', 'load 0x80300000 16', 'clear 0x80300010 20464']);
    const tree = readFdt(loaded.get(0x87e00000)!);
    const reg = tree.children
      .find(({ name }) => name === 'memory@80000000')!
      .properties.find(([name]) => name === 'reg')!;
    assert.deepEqual(new DataView(reg[1].buffer).getUint32(12), 128 * MIB);
  });

  it('has memory filled by what is not there yet', () => {
    const dram = new PhysicalMemory(new ArrayBuffer(at.RAM + 4 * MIB), 4 * MIB, () => undefined);
    const contents = (byte: number) => ({ length: 0x1000, writeTo: (to: Uint8Array) => void to.fill(byte) });
    const { memory } = makeMemory(4);
    const loads = { ...memory, load: dram.load.bind(dram) };
    const program = flatProgram(new Uint8Array(64), { memoryBase: RAM, offset: SUPERVISOR_OFFSET }, contents(1));
    const { initrd } = boot({ program, memory: loads, initrd: contents(2), tree: TREE });
    const filled = [0x801fffff, 0x80200000, 0x80200fff, 0x80201000].map((hpa) => dram.read8(hpa));
    assert.deepEqual(filled, [0, 1, 1, 0]);
    assert.deepEqual(dram.bytes(initrd!.start, 0x1000), new Uint8Array(0x1000).fill(2));
  });

  it('passes the hart number on', () => {
    const { memory } = makeMemory(128);
    assert.equal(boot({ program: kernel(), memory, tree: TREE, hart: 3 }).a0, 3n);
  });

  it('keeps the tree below 3 GiB', () => {
    const { memory } = makeMemory(3072);
    assert.equal(boot({ program: kernel(), memory, tree: TREE }).a1, 0xbfe00000n);
  });

  it('puts the RAM disk where QEMU does, and says so in the tree', () => {
    for (const [megabytes, place] of [
      [128, 0x84200000],
      [64, 0x82200000],
      [3072, 0x88200000],
    ]) {
      const { memory, loaded } = makeMemory(megabytes);
      const state = boot({ program: kernel(), memory, initrd: new Uint8Array(5 * MIB + 1), tree: TREE });
      assert.deepEqual(state.initrd, { start: place, end: place + 5 * MIB + 1 });
      const chosen = readFdt(loaded.get(Number(state.a1))!).children.find(({ name }) => name === 'chosen')!;
      const [end, start] = chosen.properties.map(([, value]) => new DataView(value.buffer).getUint32(0));
      assert.deepEqual([start, end], [place, place + 5 * MIB + 1]);
    }
  });

  it('finds other places when the usual ones are taken', () => {
    const { memory } = makeMemory(128);
    const segments = [segment(0x80200000, MIB, { memorySize: 100 * MIB }), segment(0x87e00000, MIB)];
    const state = boot({
      program: { entry: 0x80200000n, segments },
      memory,
      initrd: new Uint8Array(3 * MIB),
      tree: TREE,
    });
    assert.equal(state.a1, 0x87c00000n);
    assert.deepEqual(state.initrd, { start: 0x87900000, end: 0x87c00000 });
  });

  it('makes do with little memory', () => {
    const { memory } = makeMemory(1);
    const state = boot({ program: kernel(RAM), memory, tree: TREE });
    assert.equal(state.a1, 0x800ff000n);
  });

  it('takes the entry as virtual where a segment has such an address, else as physical', () => {
    const segments = [segment(0x80200000, 0x1000, { virtualAddress: 0xffff_ffc0_0020_0000n })];
    const entryOf = (entry: bigint) =>
      boot({ program: { entry, segments }, memory: makeMemory(128).memory, tree: TREE }).entry;
    assert.equal(entryOf(0xffff_ffc0_0020_0040n), 0x80200040n);
    assert.equal(entryOf(0x80200040n), 0x80200040n);
  });

  it('joins the ranges it reports', () => {
    const segments = [
      segment(0x80202000, 0x1000),
      segment(0x80200000, 0x1000),
      segment(0x80201000, 0x800),
      segment(0x80201400, 0x400),
    ];
    const state = boot({ program: { entry: 0x80200000n, segments }, memory: makeMemory(128).memory, tree: TREE });
    assert.deepEqual(state.program, [
      { start: 0x80200000, end: 0x80201800 },
      { start: 0x80202000, end: 0x80203000 },
    ]);
  });
});

describe('boot refuses', () => {
  function refusal(program: BootProgram, megabytes = 128, initrd?: Uint8Array): string {
    const { memory, log } = makeMemory(megabytes);
    let message = '';
    assert.throws(
      () => boot({ program, memory, tree: TREE, ...(initrd && { initrd }) }),
      (error) => {
        message = error instanceof BootError ? error.message : '';
        return error instanceof BootError;
      },
    );
    assert.deepEqual(log, [], 'nothing was written');
    return message;
  }

  it('segments outside memory', () => {
    const program = { entry: 0x80200000n, segments: [segment(0x80200000, 16), segment(0x87fffff8, 16)] };
    assert.equal(
      refusal(program),
      "The program's segment 0x87fffff8 to 0x88000007 lies outside the memory of guest 1 (0x80000000 to 0x87ffffff); " +
        'link it at an address inside, or raise the memory size.',
    );
    assert.match(refusal(kernel(0x1000)), /segment 0x1000 to 0x1fff lies outside/);
    assert.match(refusal(kernel(0xffff_ffff_8000_0000)), /segment 0xffffffff80000000 to .* lies outside/);
  });

  it('a .bss beyond memory', () => {
    const program = { entry: 0x80200000n, segments: [segment(0x80200000, 16, { memorySize: 2 ** 60 })] };
    assert.match(refusal(program), /segment 0x80200000 to 0x1000000080200000 lies outside/);
  });

  it('entries in no segment', () => {
    const program = { ...kernel(), entry: 0x80300000n };
    assert.equal(
      refusal(program),
      "The entry address 0x80300000 lies in none of the program's segments; set the entry to the first instruction, " +
        'an address inside the memory of guest 1 (0x80000000 to 0x87ffffff).',
    );
    assert.match(
      refusal({ ...kernel(), entry: 0xffff_ffff_ffff_fffen }),
      /entry address 0xfffffffffffffffe lies in none/,
    );
    assert.match(refusal({ ...kernel(), entry: 0x80200001n }), /odd/);
  });

  it('programs without contents', () => {
    assert.match(refusal({ entry: 0n, segments: [] }), /nothing to load/);
    assert.match(refusal({ entry: 0n, segments: [segment(0, 0)] }), /nothing to load/);
  });

  it('segments piled on each other beyond the size of memory', () => {
    const one = segment(0x80200000, 64 * MIB);
    assert.match(refusal({ entry: 0x80200000n, segments: [one, one, one] }), /together hold more than/);
  });

  it('what leaves no room for the RAM disk or the tree', () => {
    assert.match(
      refusal(kernel(), 128, new Uint8Array(127 * MIB)),
      /no room for the initial RAM disk \(133169152 bytes\)/,
    );
    assert.match(refusal(kernel(RAM, MIB), 1), /no room for the device tree/);
  });

  it('many tiny segments quickly', () => {
    const segments = Array.from({ length: 60_000 }, (_, index) => segment(RAM + 2048 * index, 1));
    assert.match(refusal({ entry: 0x80000000n, segments }, (60_000 * 2048) / MIB), /no room/);
  });
});

describe('flatProgram', () => {
  function image(fields: { textOffset?: bigint; imageSize?: bigint; flags?: bigint } = {}): Uint8Array {
    const bytes = new Uint8Array(256);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0x08, fields.textOffset ?? 0x200000n, true);
    view.setBigUint64(0x10, fields.imageSize ?? 0x10000n, true);
    view.setBigUint64(0x18, fields.flags ?? 0n, true);
    bytes.set(new TextEncoder().encode('RISCV\0\0\0RSC\x05'), 0x30);
    return bytes;
  }

  it('follows the header of a Linux image', () => {
    const bytes = image();
    assert.deepEqual(flatProgram(bytes, { memoryBase: RAM, offset: 0 }), {
      entry: 0x80200000n,
      segments: [{ address: 0x80200000, data: bytes, memorySize: 0x10000 }],
    });
  });

  it('puts other bytes at the offset', () => {
    const bytes = new Uint8Array(100);
    const place = (offset: number) => flatProgram(bytes, { memoryBase: RAM, offset }).segments[0].address;
    assert.equal(place(SUPERVISOR_OFFSET), 0x80200000);
    assert.equal(place(MACHINE_OFFSET), 0x80000000);
  });

  it('leaves absurd headers to the checks of boot', () => {
    const ALL = 0xffff_ffff_ffff_ffffn;
    for (const fields of [{ textOffset: ALL }, { imageSize: ALL }, { textOffset: 1n << 40n, imageSize: 0n }]) {
      const program = flatProgram(image(fields), { memoryBase: RAM, offset: 0 });
      assert.throws(() => boot({ program, memory: makeMemory(128).memory, tree: TREE }), /lies outside the memory/);
    }
  });

  it('refuses compressed and big-endian kernels', () => {
    const gzip = Uint8Array.of(0x1f, 0x8b, 8, 0);
    assert.throws(() => flatProgram(gzip, { memoryBase: RAM, offset: 0 }), /gzip; unpack it first/);
    assert.throws(() => flatProgram(image({ flags: 1n }), { memoryBase: RAM, offset: 0 }), /big-endian/);
  });

  it('takes any bytes', () => {
    const { memory } = makeMemory(128);
    assert.throws(
      () => boot({ program: flatProgram(new Uint8Array(0), { memoryBase: RAM, offset: 0 }), memory, tree: TREE }),
      /nothing to load/,
    );
  });
});
