/** The machine's timers: those of the harts, whose interrupts they raise, and those of devices. */
import type { Clint } from './devices/clint';
import type { DeviceClock } from './devices/device-clock';
import type { Hart } from './hart';
import { INTERRUPT } from './status';
import type { MachineTime } from './time';

/** Ticks that are skipped at most while something outside the machine may end the wait. */
const LONGEST_WAIT = 20_000;

export interface TimerParts {
  readonly harts: readonly Hart[];
  readonly clint: Clint;
  readonly clock: MachineTime;
  readonly devices: DeviceClock;
  /** The machine's count of attempted instructions. */
  readonly executed: () => number;
  /** Whether something outside may end the harts' wait. */
  readonly awaitsHost: () => boolean;
  /** Told how `time` goes on, whenever that may have changed; see `Engine.setClock`. */
  readonly showTime: (time: bigint, executed: number, rate: number) => void;
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
    this.parts.showTime(clint.mtimeAt(clock.base), clock.since, clock.rate);
    const now = clock.ticks;
    let least = Math.min(clock.untilUpdate, clock.instructionsUntil(devices.next));
    for (const hart of harts) {
      const machine = clint.deadline(hart.index);
      hart.setInterruptPending(INTERRUPT.machineTimer, machine <= now);
      if (machine > now) least = Math.min(least, clock.instructionsUntil(machine));
      const { supervisorDeadline } = hart;
      if (supervisorDeadline === undefined) continue;
      const supervisor = clint.moment(supervisorDeadline);
      hart.csrs.setSupervisorTimer(supervisor <= now);
      if (supervisor > now) least = Math.min(least, clock.instructionsUntil(supervisor));
    }
    this.next = executed() + least;
  }

  /**
   * No hart can run: time goes on to the first timer that can wake one.
   * @returns the ticks that passed, and those that the host has to wait for; undefined when no timer will wake a hart
   */
  waitForNext(): { readonly ticks: number; readonly left: number | undefined } {
    const { harts, clock, devices } = this.parts;
    const first = Math.min(devices.next, ...harts.map((hart) => this.wakingMoment(hart)));
    const ticks = first === Infinity ? 0 : clock.waitFor(this.bounded(first));
    this.runDue();
    return { ticks, left: clock.instructionsUntil(first) === Infinity ? undefined : first - clock.ticks };
  }

  /** Where something outside may end the wait, no more than a little is skipped at a time. */
  private bounded(moment: number): number {
    const { clock, awaitsHost } = this.parts;
    if (!awaitsHost() || clock.instructionsUntil(moment) === Infinity) return moment;
    return Math.min(moment, clock.ticks + LONGEST_WAIT);
  }

  /** The tick at which the hart's timers can wake it; Infinity: they cannot. */
  private wakingMoment({ index, isStopped, csrs, supervisorDeadline }: Hart): number {
    const { clint, clock } = this.parts;
    if (isStopped) return Infinity;
    const now = clock.ticks;
    const wakes = (interrupt: number, moment: number) =>
      moment > now && (csrs.state.enabledInterrupts & (1 << interrupt)) !== 0 ? moment : Infinity;
    const machine = wakes(INTERRUPT.machineTimer, clint.deadline(index));
    if (supervisorDeadline === undefined) return machine;
    return Math.min(machine, wakes(INTERRUPT.supervisorTimer, clint.moment(supervisorDeadline)));
  }
}
