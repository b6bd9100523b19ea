/** The last VM exits, in a ring. */
import type { ExitKind, ExitRecord } from '../exit-record';

/** One VM exit that was carried out. */
export interface LoggedExit {
  /** Counts the exits of all guests from 0, those that were not kept included. */
  readonly index: number;
  /** As it was decided. */
  readonly record: ExitRecord;
  /** Whether the guest executes its instruction again. */
  readonly repeated: boolean;
  /** What it took on the host, in milliseconds; 0 without a clock. */
  readonly time: number;
}

/** Which exits are meant; what is absent does not matter. */
export interface ExitFilter {
  readonly guest?: string;
  readonly kinds?: ReadonlySet<ExitKind>;
  /** The CSR, SBI call, cause or device, as `subjectOf` gives it. */
  readonly subject?: string;
  readonly pc?: bigint;
  /** The exit is about an access to this address. */
  readonly gva?: bigint;
}

export class ExitLog {
  private readonly ring: LoggedExit[] = [];
  private next = 0;

  /** @param size how many are kept */
  constructor(readonly size: number) {}

  add(exit: LoggedExit): void {
    this.ring[this.next] = exit;
    this.next = (this.next + 1) % this.size;
  }

  /** Those that the filter lets through, oldest first; the last `most` of them. */
  last(most: number, filter: ExitFilter = {}): readonly LoggedExit[] {
    const { ring, next } = this;
    const found: LoggedExit[] = [];
    for (let i = 1; i <= ring.length && found.length < most; i++) {
      const exit = ring[(next - i + ring.length) % ring.length]!;
      if (passes(exit.record, filter)) found.push(exit);
    }
    return found.reverse();
  }
}

function passes(record: ExitRecord, { guest, kinds, subject, pc, gva }: ExitFilter): boolean {
  return (
    (guest === undefined || record.guest === guest) &&
    (kinds === undefined || kinds.has(record.kind)) &&
    (subject === undefined || subjectOf(record) === subject) &&
    (pc === undefined || record.pc === pc) &&
    (gva === undefined || accessedBy(record) === gva)
  );
}

/** The address whose access an exit is about. */
function accessedBy(record: ExitRecord): bigint | undefined {
  if (record.kind === 'inject') return record.access === undefined ? undefined : record.stval;
  return 'gva' in record && record.kind !== 'sfence' ? record.gva : undefined;
}

/** What an exit is about, in a word: the CSR, the SBI call, the cause, the device. The exits' own `subject` is the same. */
export function subjectOf(record: ExitRecord): string | undefined {
  switch (record.kind) {
    case 'csrRead':
    case 'csrWrite':
    case 'illegal':
      return record.csr;
    case 'sbiCall':
    case 'inject':
    case 'interrupt':
      return record.name;
    case 'mmio':
      return record.device;
    case 'shadowFill':
      return record.view;
    case 'staleTranslation':
      return record.access;
    default:
      return undefined;
  }
}
