// Watched memory: each access, whole and exact, in interpreted and in translated code.
import assert from 'node:assert/strict';
import { assembleProgram } from '../isa/assemble';
import type { DataAccess, WatchedRange } from './data-watch';
import type { TranslatorMode } from './engine';
import { Engine } from './engine';
import type { EngineHost } from './host';
import { DRAM_BASE } from './physical-memory';

const DATA = DRAM_BASE + 0x10000;
const BORDER = DATA + 0x1000;
const FLOAT_DIRTY = 3;

/** What the listener saw, and where the engine stood then and after it left. */
interface Seen {
  readonly pc: number;
  readonly executed: number;
  readonly accesses: readonly DataAccess[];
}

class Lab {
  readonly engine: Engine;
  readonly seen: Seen[] = [];
  stops = true;
  private ended = false;

  constructor(source: string, translator: TranslatorMode) {
    this.engine = new Engine({ ramBytes: 1 << 24, translator });
    const { engine } = this;
    const host: EngineHost = {
      cacheable: true,
      translate: (low) => low,
      readDevice: () => undefined,
      writeDevice: () => false,
      raise: (cause) => {
        throw new Error(`trap ${cause} at ${engine.state.pc.toString(16)}`);
      },
      system: () => {
        this.ended = true;
        engine.holdInstruction();
        return 'jump';
      },
      breakpoint: () => false,
    };
    engine.attach(host);
    engine.memory.load(DRAM_BASE, assembleProgram(`li s0, ${DATA}\n${source}\nebreak`, BigInt(DRAM_BASE)));
    engine.state.pc = BigInt(DRAM_BASE);
    engine.state.floatState = FLOAT_DIRTY;
  }

  watch(...ranges: readonly WatchedRange[]): this {
    const { engine, seen } = this;
    engine.watchData(ranges, (accesses) => {
      seen.push({ pc: Number(engine.state.pc), executed: engine.executed, accesses });
      if (this.stops) engine.requestExit();
    });
    return this;
  }

  /** @returns where each stop was: pc and instructions executed behind it */
  run(): [number, number][] {
    const stops: [number, number][] = [];
    while (!this.ended) {
      const { length } = this.seen;
      this.engine.run(100_000);
      if (this.seen.length > length) stops.push([Number(this.engine.state.pc), this.engine.executed]);
    }
    return stops;
  }
}

const range = (start: number, length: number, kinds = 'ls'): WatchedRange => ({
  start,
  length,
  loads: kinds.includes('l'),
  stores: kinds.includes('s'),
});
const plain = ({ kind, hpa, length, before }: DataAccess): unknown[] => [kind, hpa - DATA, length, ...before];

for (const translator of ['off', 'eager'] as const) {
  describe(`watched memory, translator ${translator}`, () => {
    /** Instruction, range, and the accesses that it makes: kind, offset, length, bytes before. */
    const single: readonly [string, WatchedRange, unknown[][]][] = [
      ['sb t0, 3(s0)', range(DATA, 8), [['store', 3, 1, 0]]],
      ['sb t0, 8(s0)', range(DATA, 8), []],
      ['sd t0, 0(s0)', range(DATA + 7, 1), [['store', 0, 8, 0, 0, 0, 0, 0, 0, 0, 0]]],
      ['sh t0, -1(s0)', range(DATA, 4), [['store', 0, 1, 0]]],
      ['sw t0, 4(s0)', range(DATA, 4), []],
      ['sw t0, 0(s0)', range(DATA, 4, 'l'), []],
      ['lw t1, 0(s0)', range(DATA, 4), [['load', 0, 4]]],
      ['lb t1, 5(s0)', range(DATA, 4), []],
      ['lw t1, 0(s0)', range(DATA, 4, 's'), []],
      ['fsd fa0, 8(s0)', range(DATA + 8, 1), [['store', 8, 8, 0, 0, 0, 0, 0, 0, 0, 0]]],
      ['flw fa0, 8(s0)', range(DATA + 8, 1), [['load', 8, 4]]],
      [
        'amoadd.w t1, t0, (s0)',
        range(DATA, 8),
        [
          ['load', 0, 4],
          ['store', 0, 4, 0, 0, 0, 0],
        ],
      ],
      ['amoadd.w t1, t0, (s0)', range(DATA, 8, 'l'), [['load', 0, 4]]],
      ['lr.d t1, (s0)', range(DATA, 8), [['load', 0, 8]]],
      ['sc.d t1, t0, (s0)', range(DATA, 8), []],
      ['lr.w t1, (s0)\nsc.w t1, t0, (s0)', range(DATA, 8, 's'), [['store', 0, 4, 0, 0, 0, 0]]],
      ['sd t0, 3(s0)', range(DATA + 8, 1), [['store', 3, 8, 0, 0, 0, 0, 0, 0, 0, 0]]],
    ];
    for (const [instruction, watched, expected] of single) {
      it(`${instruction.replace('\n', '; ')}, ${watched.length} bytes at ${watched.start - DATA} watched`, () => {
        const lab = new Lab(`li t0, -1\n${instruction}`, translator).watch(watched);
        const stops = lab.run();
        assert.deepEqual(
          lab.seen.flatMap(({ accesses }) => accesses.map(plain)),
          expected,
        );
        assert.equal(stops.length, expected.length > 0 ? 1 : 0);
        for (const [index, { pc, executed }] of lab.seen.entries()) {
          assert.deepEqual(stops[index], [pc + 4, executed + 1]);
        }
      });
    }

    it('tells of both parts of an access across a page border', () => {
      const source = `li t0, 0x1122334455667788\nli s1, ${BORDER - 3}\nsd t0, 0(s1)\nld t1, 0(s1)`;
      const lab = new Lab(source, translator).watch(range(BORDER - 8, 16));
      lab.run();
      const parts = lab.seen.map(({ accesses }) =>
        accesses.map(({ kind, hpa, length }) => [kind, hpa - BORDER, length]),
      );
      assert.deepEqual(parts, [
        [
          ['store', -3, 3],
          ['store', 0, 5],
        ],
        [
          ['load', -3, 3],
          ['load', 0, 5],
        ],
      ]);
      const beyond = new Lab(source, translator).watch(range(BORDER, 1));
      beyond.run();
      assert.deepEqual(
        beyond.seen.map(({ accesses }) => accesses.map(({ hpa }) => hpa - BORDER)),
        [[0], [0]],
      );
    });

    it('stops on each access of a hot loop, at the same counts wherever the watch is set', () => {
      const source = `
        li t0, 3000
      loop:
        ld t1, 8(s0)
        addi t1, t1, 1
        sd t1, 8(s0)
        sd t1, 16(s0)
        addi t0, t0, -1
        bnez t0, loop`;
      const lab = new Lab(source, translator);
      lab.engine.run(6_000);
      lab.watch(range(DATA + 8, 8, 's'));
      const stops = lab.run();
      assert.equal(lab.seen.length, stops.length);
      const whole = new Lab(source, 'off').watch(range(DATA + 8, 8, 's'));
      const all = whole.run();
      assert.deepEqual(stops, all.slice(all.length - stops.length));
      assert.equal(lab.engine.memory.read64(DATA + 8), 3000n);
      const values = lab.seen.map(({ accesses: [access] }) => access.before[0] + 256 * access.before[1]);
      assert.deepEqual(
        values,
        [...values.keys()].map((index) => 3000 - values.length + index),
      );
    });

    it('lets execution go on when the listener does not ask to leave', () => {
      const lab = new Lab('li t0, 5\nloop: sd t0, 0(s0)\naddi t0, t0, -1\nbnez t0, loop', translator);
      lab.stops = false;
      lab.watch(range(DATA, 8));
      lab.run();
      assert.equal(lab.seen.length, 5);
      lab.engine.watchData([], () => assert.fail());
    });

    it('knows writes that no instruction makes, while they are observed', () => {
      const lab = new Lab('nop', translator).watch(range(DATA, 8));
      lab.engine.memory.write32(DATA, 1);
      assert.equal(lab.seen.length, 0);
      lab.engine.observe(() => lab.engine.memory.write32(DATA, 2));
      assert.deepEqual(
        lab.seen[0].accesses.map(({ before, byInstruction }) => [before[0], byInstruction]),
        [[1, false]],
      );
    });
  });
}
