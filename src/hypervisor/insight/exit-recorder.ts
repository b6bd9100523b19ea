/**
 * Records VM exits as they are carried out: statistics of all, and the last ones with their records. It only looks: what
 * guests do, and at which instruction, is the same with it and without.
 */
import type { ExitKind, ExitRecord } from '../exit-record';
import type { AnyExit } from '../exits/exit';
import type { Vcpu } from '../vcpu';
import { ExitLog } from './exit-log';
import { ExitStatistics } from './exit-statistics';

export interface ExitRecorderOptions {
  /** How many of the last exits are kept; 0: none, which makes the rest cheaper. */
  readonly logSize: number;
  /** Which kinds the log keeps; all unless given. The statistics have all. */
  readonly logKinds?: ReadonlySet<ExitKind>;
  /** The host's clock, in milliseconds, as fine as it is. Without it all times are 0. */
  readonly clock?: () => number;
}

/** After these, the guest's next instruction is executed for the first time. */
const BETWEEN_INSTRUCTIONS: ReadonlySet<ExitKind> = new Set(['timer', 'interrupt', 'vcpuSwitch']);

const NO_CLOCK = (): number => 0;

export class ExitRecorder {
  readonly log: ExitLog | undefined;
  /** Whether times are measured. */
  readonly isTimed: boolean;
  private readonly clock: () => number;
  private readonly logKinds: ReadonlySet<ExitKind> | undefined;
  private readonly statistics = new Map<string, ExitStatistics>();
  private index = 0;
  private started = 0;
  /** Of the exit that is being carried out. */
  private pc = 0n;
  private record: ExitRecord | undefined;

  constructor({ logSize, logKinds, clock }: ExitRecorderOptions) {
    this.log = logSize > 0 ? new ExitLog(logSize) : undefined;
    this.logKinds = logKinds;
    this.isTimed = clock !== undefined;
    this.clock = clock ?? NO_CLOCK;
  }

  /** By guest, in the order of their first exits. */
  get guests(): readonly ExitStatistics[] {
    return [...this.statistics.values()];
  }

  /** The hart left a guest, or goes on with an exit that was stopped at. */
  begin(): void {
    this.started = this.clock();
  }

  /** An exit is about to be carried out. @param recordOf makes its record, which the doing would change */
  before(vcpu: Vcpu, exit: AnyExit, recordOf: (vcpu: Vcpu, exit: AnyExit) => ExitRecord): void {
    this.pc = vcpu.pc;
    const isLogged = this.log !== undefined && (this.logKinds?.has(exit.kind) ?? true);
    this.record = isLogged ? recordOf(vcpu, exit) : undefined;
  }

  /** The exit was carried out. @param isLast nothing follows from it, so that the guest goes on */
  after(vcpu: Vcpu, exit: AnyExit, isLast: boolean): void {
    const { pc, record } = this;
    const now = this.clock();
    const time = now - this.started;
    this.started = now;
    const { name } = vcpu.guest;
    let statistics = this.statistics.get(name);
    if (!statistics) this.statistics.set(name, (statistics = new ExitStatistics(name)));
    const repeated = isLast && !BETWEEN_INSTRUCTIONS.has(exit.kind) && vcpu.pc === pc;
    statistics.add(exit.kind, exit.subject, pc, repeated, time);
    const { index } = this;
    this.index++;
    if (record) this.log?.add({ index, record, repeated, time });
  }
}
