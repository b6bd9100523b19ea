// The run loop over a system made up here: turns for the host, pauses, waiting, plans, breakpoints.
import assert from 'node:assert/strict';
import { RunClock } from './run-clock';
import { RunLoop } from './run-loop';
import type { Plan, RunObserver, Scheduler } from './run-loop';
import type { RunOutcome, System } from './systems/system';

/** A clock that moves when something runs or sleeps. */
class Host implements Scheduler {
  time = 0;
  turns = 0;
  readonly slept: number[] = [];
  onTurn: (() => void) | undefined;

  now = (): number => this.time;

  soon = (callback: () => void): void => {
    this.turns++;
    this.onTurn?.();
    setImmediate(callback);
  };

  later = (callback: () => void, milliseconds: number): (() => void) => {
    this.slept.push(milliseconds);
    this.time += milliseconds;
    const timer = setImmediate(callback);
    return () => clearImmediate(timer);
  };
}

/** Executes nothing: one instruction takes a microsecond, and pc goes round 64 addresses. */
class Guest {
  pc = 0n;
  instructions = 0;
  breakpoints = new Set<bigint>();
  breakpointsSet = 0;
  private endsSlice = false;
  onBreakpoint = (): boolean => true;
  outcome: (() => RunOutcome | undefined) | undefined;

  constructor(private readonly host: Host) {}

  readonly current = this;
  readonly targets = [this];

  get system(): System {
    return this as unknown as System;
  }

  setBreakpoints(addresses: Iterable<bigint>): void {
    this.breakpoints = new Set(addresses);
    this.breakpointsSet++;
  }

  endSlice(): void {
    this.endsSlice = true;
  }

  step(): RunOutcome {
    this.advance();
    return this.outcome?.() ?? { kind: 'limit' };
  }

  run(budget: number): RunOutcome {
    this.endsSlice = false;
    for (let done = 0; done < budget && !this.endsSlice; done++) {
      if (this.breakpoints.has(this.pc) && this.onBreakpoint()) return { kind: 'breakpoint', target: this as never };
      const outcome = this.outcome?.();
      if (outcome) return outcome;
      this.advance();
    }
    return { kind: 'limit' };
  }

  private advance(): void {
    this.instructions++;
    this.host.time += 0.001;
    this.pc = (this.pc + 4n) % 256n;
  }
}

const observer = (options: Partial<RunObserver> = {}): RunObserver => ({
  breakpoint: () => true,
  breakpoints: () => [],
  breakpointVersion: 1,
  check: () => false,
  ...options,
});

describe('run loop', () => {
  let host: Host;
  let guest: Guest;
  beforeEach(() => {
    host = new Host();
    guest = new Guest(host);
  });

  it('gives the host a turn every few milliseconds, and pauses at the next', async () => {
    const loop = new RunLoop(guest.system, host, observer());
    let longest = 0;
    let last = 0;
    host.onTurn = () => {
      longest = Math.max(longest, host.time - last);
      last = host.time;
      if (host.turns === 20) loop.pause();
    };
    assert.deepEqual(await loop.run(), { kind: 'paused', isIdle: false });
    assert.equal(host.turns, 20);
    assert.ok(longest < 100, `${longest} ms without a turn`);
    assert.equal(guest.breakpointsSet, 1, 'breakpoints are set once');
  });

  it('shortens its slices when the guest becomes slow', async () => {
    const loop = new RunLoop(guest.system, host, observer());
    let slow = 0;
    guest.outcome = () => {
      if (host.turns > 30) host.time += 0.1;
      return undefined;
    };
    let last = 0;
    host.onTurn = () => {
      if (host.turns > 34) slow = Math.max(slow, host.time - last);
      last = host.time;
      if (host.turns === 60) loop.pause();
    };
    await loop.run();
    assert.ok(slow > 0 && slow < 250, `${slow} ms without a turn`);
  });

  it('stops at a breakpoint, and passes it when it goes on', async () => {
    const loop = new RunLoop(guest.system, host, observer({ breakpoints: () => [64n] }));
    assert.deepEqual(await loop.run(), { kind: 'stopped' });
    assert.equal(guest.pc, 64n);
    const before = guest.instructions;
    assert.deepEqual(await loop.run(), { kind: 'stopped' });
    assert.equal(guest.instructions - before, 64);
  });

  it('goes on where a breakpoint does not stop', async () => {
    let visits = 0;
    const watching = observer({ breakpoints: () => [64n], breakpoint: () => ++visits === 3 });
    await new RunLoop(guest.system, host, watching).run();
    assert.equal(guest.instructions, 16 + 2 * 64);
  });

  it('carries out a plan: instructions, and runs to a place', async () => {
    const seen: bigint[] = [];
    let refused = 0;
    function* plan(): Plan & Generator<never> {
      yield { kind: 'instruction', target: guest } as never;
      seen.push(guest.pc);
      yield { kind: 'run', target: guest, until: new Set([128n]), accept: () => ++refused > 2 } as never;
      seen.push(guest.pc);
      yield { kind: 'instruction', target: guest } as never;
      seen.push(guest.pc);
    }
    assert.deepEqual(await new RunLoop(guest.system, host, observer({ breakpoint: () => false })).run(plan()), {
      kind: 'done',
    });
    assert.deepEqual(seen, [4n, 128n, 132n]);
    assert.equal(guest.instructions, 32 + 2 * 64 + 1);
  });

  it('sleeps while the guest is idle, until input or a pause', async () => {
    let isIdle = true;
    guest.outcome = () => (isIdle ? { kind: 'idle' } : { kind: 'end', end: { reason: 'shutdown', code: 3, text: '' } });
    const loop = new RunLoop(guest.system, host, observer());
    const run = loop.run();
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.ok(host.turns < 3, 'it takes no turns');
    isIdle = false;
    loop.wakeUp();
    assert.deepEqual(await run, { kind: 'ended', end: { reason: 'shutdown', code: 3, text: '' } });

    isIdle = true;
    const again = loop.run();
    await new Promise((resolve) => setTimeout(resolve, 10));
    loop.pause();
    assert.deepEqual(await again, { kind: 'paused', isIdle: true });
  });

  it('waits for timers in real time, or skips', async () => {
    for (const pacing of ['real-time', 'skip'] as const) {
      host = new Host();
      guest = new Guest(host);
      let waits = 0;
      guest.outcome = () => {
        if (++waits <= 5) return { kind: 'waited', ticks: 100_000 };
        return { kind: 'end', end: { reason: 'shutdown', code: 0, text: '' } };
      };
      await new RunLoop(guest.system, host, observer(), pacing).run();
      const slept = host.slept.reduce((sum, milliseconds) => sum + milliseconds, 0);
      assert.equal(Math.round(slept), pacing === 'skip' ? 0 : 50);
    }
  });

  it("sleeps until a timer of the host's clock", async () => {
    let sleeps = 0;
    const clock = new RunClock(host.now);
    guest.outcome = () => {
      if (++sleeps <= 3) return { kind: 'asleep', ticks: 70_000 };
      return { kind: 'end', end: { reason: 'shutdown', code: 0, text: '' } };
    };
    await new RunLoop(guest.system, host, observer(), 'skip', clock).run();
    assert.deepEqual(host.slept, [7, 7, 7]);

    const { ticks } = clock;
    assert.ok(ticks >= 210_000 && ticks < 211_000);
    host.time += 1000;
    assert.equal(clock.ticks, ticks, 'and does not go on without the guest');
  });

  it('skips sparingly when nothing but timers happens for a second', async () => {
    let isBusy = false;
    guest.outcome = () => {
      host.time += 1;
      return isBusy ? undefined : { kind: 'waited', ticks: 100_000 };
    };
    const loop = new RunLoop(guest.system, host, observer(), 'skip');
    const run = loop.run();
    const until = async (condition: () => boolean) => {
      while (!condition()) await new Promise((resolve) => setImmediate(resolve));
    };
    await until(() => host.time > 900);
    assert.deepEqual(host.slept, []);
    await until(() => host.time > 5000);
    const asleep = host.slept.reduce((sum, milliseconds) => sum + milliseconds, 0);
    assert.ok(asleep > 3000, `${asleep} of 4000 ms`);
    for (const wake of [() => loop.noteOutput(), () => (isBusy = true)]) {
      wake();
      await until(() => host.turns > 0);
      host.slept.length = 0;
      const { time } = host;
      await until(() => host.time > time + 500);
      assert.ok(host.slept.length <= 1, 'a guest that does something is not held back');
    }
    loop.pause();
    await run;
  });

  it('stops for what is found between slices', async () => {
    let looks = 0;
    const loop = new RunLoop(guest.system, host, observer({ check: () => ++looks === 4 }));
    assert.deepEqual(await loop.run(), { kind: 'stopped' });
  });
});
