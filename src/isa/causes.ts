/** The trap causes that scause and mcause hold (Privileged 3.1.15, table 3.6). */

export interface TrapCause {
  /** The cause code, without the interrupt bit. */
  readonly code: number;
  readonly interrupt: boolean;
  /** A short name for settings and filters: `load-page-fault`. */
  readonly id: string;
  /** The specification's name: `Load page fault`. */
  readonly name: string;
  /** One sentence on what happened, for a user. */
  readonly summary: string;
}

const exception = (code: number, id: string, name: string, summary: string): TrapCause => ({
  code,
  interrupt: false,
  id,
  name,
  summary,
});

const interrupt = (code: number, id: string, name: string, summary: string): TrapCause => ({
  code,
  interrupt: true,
  id,
  name,
  summary,
});

export const exceptionCauses: readonly TrapCause[] = [
  exception(
    0,
    'instruction-address-misaligned',
    'Instruction address misaligned',
    'A jump or taken branch went to an address at which no instruction can start.',
  ),
  exception(
    1,
    'instruction-access-fault',
    'Instruction access fault',
    'An instruction was fetched from a physical address that has no memory or does not allow execution.',
  ),
  exception(
    2,
    'illegal-instruction',
    'Illegal instruction',
    'The instruction does not exist, or the current privilege mode may not execute it.',
  ),
  exception(3, 'breakpoint', 'Breakpoint', 'An ebreak instruction was executed, or a trigger matched.'),
  exception(
    4,
    'load-address-misaligned',
    'Load address misaligned',
    'A load or load-reserved used an address that is not a multiple of its size.',
  ),
  exception(
    5,
    'load-access-fault',
    'Load access fault',
    'A load used a physical address that has no memory or device, or does not allow reading.',
  ),
  exception(
    6,
    'store-address-misaligned',
    'Store/AMO address misaligned',
    'A store or atomic operation used an address that is not a multiple of its size.',
  ),
  exception(
    7,
    'store-access-fault',
    'Store/AMO access fault',
    'A store or atomic operation used a physical address that has no memory or device, or does not allow writing.',
  ),
  exception(
    8,
    'user-ecall',
    'Environment call from U-mode',
    'A user program executed ecall: a system call to its kernel.',
  ),
  exception(
    9,
    'supervisor-ecall',
    'Environment call from S-mode',
    'A kernel executed ecall: an SBI call to the layer below it.',
  ),
  exception(11, 'machine-ecall', 'Environment call from M-mode', 'Machine-mode code executed ecall.'),
  exception(
    12,
    'instruction-page-fault',
    'Instruction page fault',
    'An instruction was fetched from a virtual address that is not mapped, or whose page does not allow execution.',
  ),
  exception(
    13,
    'load-page-fault',
    'Load page fault',
    'A load used a virtual address that is not mapped, or whose page does not allow reading.',
  ),
  exception(
    15,
    'store-page-fault',
    'Store/AMO page fault',
    'A store or atomic operation used a virtual address that is not mapped, or whose page does not allow writing.',
  ),
];

export const interruptCauses: readonly TrapCause[] = [
  interrupt(
    1,
    'supervisor-software-interrupt',
    'Supervisor software interrupt',
    'Software set sip.SSIP, as an inter-processor interrupt does.',
  ),
  interrupt(
    3,
    'machine-software-interrupt',
    'Machine software interrupt',
    "A hart wrote this hart's software-interrupt register in the CLINT.",
  ),
  interrupt(
    5,
    'supervisor-timer-interrupt',
    'Supervisor timer interrupt',
    'The time that the supervisor asked for has come.',
  ),
  interrupt(7, 'machine-timer-interrupt', 'Machine timer interrupt', "mtime reached this hart's mtimecmp."),
  interrupt(
    9,
    'supervisor-external-interrupt',
    'Supervisor external interrupt',
    'The interrupt controller has a device interrupt for the supervisor.',
  ),
  interrupt(
    11,
    'machine-external-interrupt',
    'Machine external interrupt',
    'The interrupt controller has a device interrupt for machine mode.',
  ),
];

export const trapCauses: readonly TrapCause[] = [...exceptionCauses, ...interruptCauses];

const INTERRUPT_BIT = 1n << 63n;

/** The value that scause or mcause holds for this cause. */
export const causeValue = (cause: TrapCause): bigint => (cause.interrupt ? INTERRUPT_BIT : 0n) | BigInt(cause.code);

const byValue: ReadonlyMap<bigint, TrapCause> = new Map(trapCauses.map((cause) => [causeValue(cause), cause]));
const byId: ReadonlyMap<string, TrapCause> = new Map(trapCauses.map((cause) => [cause.id, cause]));

/** The cause that a value of scause or mcause means; undefined for a reserved one. */
export const causeByValue = (value: bigint): TrapCause | undefined => byValue.get(BigInt.asUintN(64, value));

/** The cause of this short name, such as `load-page-fault`. */
export const causeById = (id: string): TrapCause | undefined => byId.get(id);

/** The name of the cause that a value of scause or mcause means, also for a reserved value. */
export function causeName(value: bigint): string {
  const unsigned = BigInt.asUintN(64, value);
  const code = unsigned & ~INTERRUPT_BIT;
  const kind = (unsigned & INTERRUPT_BIT) === 0n ? 'exception' : 'interrupt';
  return byValue.get(unsigned)?.name ?? `Reserved ${kind} ${code}`;
}
