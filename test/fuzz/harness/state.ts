/** What of the final state is compared, in the order in which it is printed. */
import type { Extension } from '../../../src/isa/extensions';

/** Bits of mstatus that are compared: all that QEMU has but SXL and UXL. */
export const STATUS_SHOWN = 0x80000000007e79aan;

/** The parts of a program's line after its number: a sum each. */
export const SUMMARY = ['registers', 'floating-point registers', 'CSRs', 'memory', 'traps'] as const;

export const PROTECTION_ENTRIES = 8;

interface FinalCsr {
  readonly name: string;
  /** The bits that are compared. */
  readonly mask: bigint;
  readonly extension?: Extension;
}

const ALL = -1n;
const whole = (...names: string[]): FinalCsr[] => names.map((name) => ({ name, mask: ALL }));

const csrs: readonly FinalCsr[] = [
  { name: 'mstatus', mask: STATUS_SHOWN },
  ...whole('mtvec', 'mtval', 'mcause', 'scause', 'stval', 'sepc', 'stvec', 'sscratch', 'satp', 'medeleg'),
  { name: 'mideleg', mask: 0x222n },
  { name: 'mie', mask: 0xaaan },
  { name: 'mip', mask: 0xaaan },
  ...whole('mcounteren', 'scounteren'),
  { name: 'mcountinhibit', mask: 5n },
  ...whole('menvcfg', 'senvcfg'),
  { name: 'stimecmp', mask: ALL, extension: 'Sstc' },
  ...whole('pmpcfg0', ...Array.from({ length: PROTECTION_ENTRIES }, (_, n) => `pmpaddr${n}`)),
];

export const finalCsrs = (extensions: ReadonlySet<Extension>): readonly FinalCsr[] =>
  csrs.filter(({ extension }) => extension === undefined || extensions.has(extension));
