// When output goes on its way: the rule with a clock made up here, and with the debugger's run loop, 20 ms at the most.
import assert from 'node:assert/strict';
import { RunLoop } from '../debugger/run-loop';
import type { Scheduler } from '../debugger/run-loop';
import type { RunOutcome, System } from '../debugger/systems/system';
import { LONGEST_WAIT, OutputCollector } from './output-collector';

/** A clock that tests move; timers go off when the event loop has its turn, as they do in Node. */
class Clock implements Scheduler {
  time = 0;
  private timers: { readonly due: number; readonly callback: () => void }[] = [];

  readonly now = (): number => this.time;

  readonly later = (callback: () => void, milliseconds: number): (() => void) => {
    const timer = { due: this.time + milliseconds, callback };
    this.timers.push(timer);
    return () => void (this.timers = this.timers.filter((other) => other !== timer));
  };

  readonly soon = (callback: () => void): void =>
    void setImmediate(() => {
      this.turn();
      callback();
    });

  turn(): void {
    const due = this.timers.filter((timer) => timer.due <= this.time);
    this.timers = this.timers.filter((timer) => !due.includes(timer));
    for (const { callback } of due) callback();
  }

  pass(milliseconds: number): void {
    this.time += milliseconds;
    this.turn();
  }
}

describe('OutputCollector', () => {
  let clock: Clock;
  let pieces: string[];
  beforeEach(() => {
    clock = new Clock();
    pieces = [];
  });

  const collector = (atOnce = false) =>
    new OutputCollector((bytes) => pieces.push(Buffer.from(bytes).toString()), { atOnce, clock });
  const text = (written: string) => Buffer.from(written);

  it('keeps what is written together for five milliseconds', () => {
    const output = collector();
    output.write(text('a'));
    clock.pass(3);
    output.write(text('b'));
    clock.pass(1.9);
    assert.deepEqual(pieces, []);
    clock.pass(0.1);
    assert.deepEqual(pieces, ['ab']);
    clock.pass(100);
    output.write(text('c'));
    assert.deepEqual(pieces, ['ab']);
    clock.pass(LONGEST_WAIT);
    assert.deepEqual(pieces, ['ab', 'c']);
  });

  it('delivers while timers have no turn', () => {
    const output = collector();
    for (let i = 0; i < 12; i++) {
      output.write(text(String(i % 10)));
      clock.time += 1;
    }
    assert.deepEqual(pieces, ['012345', '678901']);
  });

  it('lets the first byte after a silence wait for no others, if wanted', () => {
    const output = collector(true);
    output.write(text('a'));
    output.write(text('b'));
    assert.deepEqual(pieces, ['a']);
    clock.pass(LONGEST_WAIT);
    assert.deepEqual(pieces, ['a', 'b']);
    clock.pass(LONGEST_WAIT);
    output.write(text('c'));
    assert.deepEqual(pieces, ['a', 'b', 'c']);
  });

  it('keeps order, and no more than 64 KiB', () => {
    const output = collector();
    const half = 'x'.repeat(40_000);
    output.write(text(half));
    output.write(text(half));
    output.write(text('y'.repeat(70_000)));
    output.write(text('z'));
    output.flush();
    output.flush();
    assert.deepEqual(
      pieces.map((piece) => piece[0] + String(piece.length)),
      ['x40000', 'x40000', 'y70000', 'z1'],
    );
    clock.pass(100);
    assert.equal(pieces.length, 4);
  });
});

/** What the bench measures at most, and more. */
const FAST_MILLISECONDS = 1 / 200_000;
const EXIT_MILLISECONDS = 0.1;
/** As `boundCalls` has it. */
const EXITS_AT_ONCE = 100;

/** A guest that computes, writes a byte, and then does nothing but what is slow. */
class Guest {
  readonly targets = [this];
  readonly current = this;
  instructions = 0;
  private ends = false;

  constructor(
    private readonly clock: Clock,
    private readonly writesAt: number,
    private readonly last: number,
    private readonly slow: { readonly milliseconds: number; readonly atOnce: number },
    private readonly write: () => void,
  ) {}

  setBreakpoints(): void {}

  endSlice(): void {
    this.ends = true;
  }

  step(): RunOutcome {
    return this.run(1);
  }

  run(budget: number): RunOutcome {
    this.ends = false;
    for (let done = 0, slowly = 0; done < budget && !this.ends && slowly < this.slow.atOnce; done++) {
      if (this.instructions++ === this.last) return { kind: 'end', end: { reason: 'shutdown', code: 0, text: '' } };
      if (this.instructions === this.writesAt) this.write();
      if (this.instructions > this.writesAt) {
        this.clock.time += this.slow.milliseconds;
        slowly++;
      } else this.clock.time += FAST_MILLISECONDS;
    }
    return { kind: 'limit' };
  }
}

describe('Output of a running guest', () => {
  const storms = {
    'goes on as fast as before': { milliseconds: FAST_MILLISECONDS, atOnce: Infinity },
    'leaves to the hypervisor with each instruction': { milliseconds: EXIT_MILLISECONDS, atOnce: EXITS_AT_ONCE },
    'asks devices with each instruction': { milliseconds: 0.001, atOnce: Infinity },
  };
  for (const [what, slow] of Object.entries(storms)) {
    it(`goes on its way within 20 ms when the guest then ${what}`, async () => {
      for (let at = 1_000_000; at < 1_100_000; at += 9_973) {
        const clock = new Clock();
        let written = 0;
        let waited = Infinity;
        const output = new OutputCollector(() => (waited = clock.time - written), { clock });
        const last = at + (slow.milliseconds === FAST_MILLISECONDS ? 1e9 : 60 / slow.milliseconds);
        const guest = new Guest(clock, at, last, slow, () => {
          written = clock.time;
          output.write(Uint8Array.of(0x78));
          loop.noteOutput();
        });
        const observer = {
          breakpoint: () => false,
          breakpoints: () => [],
          breakpointVersion: 0,
          check: () => waited !== Infinity,
        };
        const loop = new RunLoop(guest as unknown as System, clock, observer);
        await loop.run();
        assert.ok(waited <= 20, `${waited} ms`);
      }
    });
  }
});
