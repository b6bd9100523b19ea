/** The machine's timers: those of the harts, whose interrupts they raise, and those of devices. */
import type { Clint } from './devices/clint';
import type { DeviceClock } from './devices/device-clock';
import type { Hart } from './hart';
import { INTERRUPT } from './status';
import type { MachineTime } from './time';

/** Ticks that are skipped at most while something outside the machine may end the wait. */
const LONGEST_WAIT = 20_000;

/** A timer whose interrupt does not pend yet. */
interface Deadline {
  /** The interrupt's bit in mip. */
  readonly interrupt: number;
  /** The tick at which it begins to pend. */
  readonly at: bigint;
}

export interface TimerParts {
  readonly harts: readonly Hart[];
  readonly clint: Clint;
  readonly clock: MachineTime;
  readonly devices: DeviceClock;
  /** The machine's count of attempted instructions. */
  readonly executed: () => number;
  /** Whether something outside may end the harts' wait. */
  readonly awaitsHost: () => boolean;
}

export class MachineTimers {
  /** Instructions executed when the next timer is due; Infinity when none will be. */
  next = 0;

  constructor(private readonly parts: TimerParts) {}

  /** Lets what is due happen. */
  runDue(): void {
    const { clock, devices } = this.parts;
    if (clock.untilUpdate <= 0) clock.update();
    devices.runDue();
    this.update();
  }

  /** Brings the harts' timer interrupts up to date: when one is due, and when time or a comparator was changed. */
  update(): void {
    const { harts, clint, clock, devices, executed } = this.parts;
    let least = Math.min(clock.untilUpdate, clock.instructionsUntil(devices.next));
    for (const hart of harts) {
      hart.setInterruptPending(INTERRUPT.machineTimer, clint.timerPending(hart.index));
      const { supervisorDeadline } = hart;
      if (supervisorDeadline !== undefined) hart.csrs.setSupervisorTimer(clint.mtime >= supervisorDeadline);
      for (const { at } of this.deadlines(hart)) least = Math.min(least, clock.instructionsUntil(at));
    }
    this.next = executed() + least;
  }

  /**
   * No hart can run: time goes on to the first timer that can wake one.
   * @returns the ticks that passed, and those that the host has to wait for; undefined when no timer will wake a hart
   */
  waitForNext(): { readonly ticks: number; readonly left: number | undefined } {
    const { harts, clock, devices } = this.parts;
    const moments = harts.flatMap((hart) => this.wakingMoments(hart));
    if (devices.next !== Infinity) moments.push(BigInt(devices.next));
    const [first] = moments.sort((a, b) => (a < b ? -1 : 1));
    const ticks = first === undefined ? 0 : clock.waitFor(this.bounded(first));
    this.runDue();
    const comes = first !== undefined && clock.instructionsUntil(first) !== Infinity;
    return { ticks, left: comes ? Number(first) - clock.ticks : undefined };
  }

  /** Where something outside may end the wait, no more than a little is skipped at a time. */
  private bounded(moment: bigint): bigint {
    const { clock, awaitsHost } = this.parts;
    if (!awaitsHost() || clock.instructionsUntil(moment) === Infinity) return moment;
    const most = BigInt(clock.ticks + LONGEST_WAIT);
    return moment < most ? moment : most;
  }

  /** The ticks at which the hart's timers can wake it. */
  private wakingMoments(hart: Hart): bigint[] {
    if (hart.isStopped) return [];
    const { enabledInterrupts } = hart.csrs.state;
    const wakes = ({ interrupt }: Deadline) => (enabledInterrupts & (1 << interrupt)) !== 0;
    return this.deadlines(hart)
      .filter(wakes)
      .map(({ at }) => at);
  }

  private deadlines(hart: Hart): Deadline[] {
    const { clint } = this.parts;
    const { supervisorDeadline } = hart;
    const found: Deadline[] = [];
    if (!clint.timerPending(hart.index)) {
      found.push({ interrupt: INTERRUPT.machineTimer, at: clint.deadline(hart.index) });
    }
    if (supervisorDeadline !== undefined && clint.mtime < supervisorDeadline) {
      found.push({ interrupt: INTERRUPT.supervisorTimer, at: clint.moment(supervisorDeadline) });
    }
    return found;
  }
}
