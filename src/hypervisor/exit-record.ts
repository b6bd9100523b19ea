/**
 * Every kind of VM exit, described once: its name (also the name of its function breakpoint, `hypervisor.<kind>`), one
 * sentence, and the fields of its record. The record types, breakpoint names, conditions (`csr == "satp"`), completion
 * and the variables of a stop all derive from this table.
 */
import type { Gpa, Hpa } from './addresses';

/** How a field's value is typed here and shown. Addresses and register values are 64-bit unsigned `bigint`s. */
interface FieldValues {
  /** Words. */
  text: string;
  /** A small decimal number. */
  number: number;
  /** True or false. */
  flag: boolean;
  /** A 64-bit register value. */
  value: bigint;
  /** Guest virtual address. */
  gva: bigint;
  /** Guest physical address. */
  gpa: Gpa;
  /** Host physical address; the hypervisor maps DRAM one to one, so it is the HVA as well. */
  hpa: Hpa;
  /** A page-table entry of 64 bits. */
  entry: bigint;
  /** An instruction word, 16 or 32 bits. */
  word: number;
}

export type FieldType = keyof FieldValues;

export interface FieldDescription {
  readonly name: string;
  readonly type: FieldType;
  /** Whether a record may lack it. */
  readonly optional?: boolean;
  /** One sentence, shown in hovers and completion. */
  readonly description: string;
}

interface KindDescription {
  readonly kind: string;
  /** One sentence: when this exit happens. */
  readonly description: string;
  readonly fields: readonly FieldDescription[];
}

/** Fields that the record of every kind has. */
export const COMMON_EXIT_FIELDS = [
  { name: 'guest', type: 'text', description: 'Name of the guest.' },
  { name: 'vcpu', type: 'number', description: 'Number of the vCPU within its guest.' },
  { name: 'pc', type: 'gva', description: 'Where the guest stands: the address of the instruction that left it.' },
  { name: 'virtualPrivilege', type: 'text', description: 'Mode that the guest believes to be in: "vS" or "vU".' },
  {
    name: 'instruction',
    type: 'word',
    optional: true,
    description: 'The instruction word, when the exit needed it (16 or 32 bits).',
  },
  { name: 'count', type: 'number', description: 'Instructions that the hart attempted before this exit.' },
] as const satisfies readonly FieldDescription[];

/** The table. */
export const EXIT_KINDS = [
  {
    kind: 'csrRead',
    description: 'The guest reads one of its supervisor CSRs.',
    fields: [
      { name: 'csr', type: 'text', description: 'Name of the guest CSR.' },
      { name: 'csrNumber', type: 'number', description: 'Number of the CSR (0 to 4095).' },
      { name: 'old', type: 'value', description: 'The value read.' },
      { name: 'rd', type: 'number', description: 'Register that receives the value.' },
    ],
  },
  {
    kind: 'csrWrite',
    description: 'The guest writes one of its supervisor CSRs, perhaps reading it as well.',
    fields: [
      { name: 'csr', type: 'text', description: 'Name of the guest CSR.' },
      { name: 'csrNumber', type: 'number', description: 'Number of the CSR (0 to 4095).' },
      { name: 'old', type: 'value', description: 'Value before the write, as the guest would read it.' },
      { name: 'new', type: 'value', description: 'Value after the write: what the CSR keeps of what is written.' },
      { name: 'written', type: 'value', description: 'The value that the instruction writes.' },
      { name: 'rd', type: 'number', description: 'Register that receives the old value (0: none).' },
    ],
  },
  {
    kind: 'sret',
    description: 'The guest kernel returns from a trap with sret.',
    fields: [
      { name: 'target', type: 'gva', description: 'Where it returns to: the guest sepc.' },
      { name: 'targetPrivilege', type: 'text', description: 'Mode it returns to: "vS" or "vU".' },
      { name: 'interruptsEnabled', type: 'flag', description: 'Guest sstatus.SIE after the return.' },
    ],
  },
  {
    kind: 'sfence',
    description: 'The guest executes sfence.vma, and the shadow entries concerned are dropped.',
    fields: [
      { name: 'gva', type: 'gva', optional: true, description: 'The address that is fenced; absent: every address.' },
      { name: 'asid', type: 'number', optional: true, description: 'The ASID that is fenced; absent: every ASID.' },
      { name: 'dropped', type: 'number', description: 'How many shadow leaf entries will be dropped.' },
    ],
  },
  {
    kind: 'wfi',
    description: 'The guest waits for an interrupt with wfi.',
    fields: [
      { name: 'waits', type: 'flag', description: 'Whether it has to wait; false: an interrupt is pending already.' },
      { name: 'sie', type: 'value', description: 'The interrupts that can wake it: guest sie.' },
    ],
  },
  {
    kind: 'sbiCall',
    description: 'The guest kernel calls its SBI with ecall.',
    fields: [
      { name: 'name', type: 'text', description: 'Name of the call, such as "sbi_set_timer".' },
      { name: 'extension', type: 'number', description: 'Extension ID, from a7.' },
      { name: 'function', type: 'number', description: 'Function ID, from a6.' },
      { name: 'a0', type: 'value', description: 'First argument.' },
      { name: 'a1', type: 'value', description: 'Second argument.' },
      { name: 'a2', type: 'value', description: 'Third argument.' },
      { name: 'a3', type: 'value', description: 'Fourth argument.' },
      { name: 'a4', type: 'value', description: 'Fifth argument.' },
      { name: 'a5', type: 'value', description: 'Sixth argument.' },
    ],
  },
  {
    kind: 'shadowFill',
    description: 'The guest uses an address that its page table maps and the shadow page table does not yet.',
    fields: [
      { name: 'gva', type: 'gva', description: 'The address that the guest used.' },
      { name: 'access', type: 'text', description: '"fetch", "load" or "store".' },
      { name: 'gpa', type: 'gpa', description: 'Where the guest page table maps it.' },
      { name: 'hpa', type: 'hpa', description: 'Where that lies in the machine (HVA and HPA are the same).' },
      { name: 'satp', type: 'value', description: 'Guest satp: the address space.' },
      { name: 'view', type: 'text', description: 'The shadow root concerned: "vU", "vS", "vS+SUM" or "bare".' },
      {
        name: 'guestLevel',
        type: 'number',
        description: 'Level of the guest entry: 0 (4 KiB), 1 (2 MiB), 2 (1 GiB) and so on.',
      },
      { name: 'guestEntryAddress', type: 'gpa', optional: true, description: 'Where the guest entry lies.' },
      { name: 'guestEntryBefore', type: 'entry', optional: true, description: 'Guest entry before the access.' },
      {
        name: 'guestEntryAfter',
        type: 'entry',
        optional: true,
        description: 'Guest entry after it: its A bit, and for a store its D bit, set.',
      },
      {
        name: 'shadowLevel',
        type: 'number',
        description: 'Level of the shadow entry: 0 (4 KiB), 1 (2 MiB), 2 (1 GiB) and so on.',
      },
      { name: 'shadowEntryBefore', type: 'entry', description: 'Shadow entry before (0: nothing mapped).' },
      { name: 'shadowEntryAfter', type: 'entry', description: 'Shadow entry after.' },
    ],
  },
  {
    kind: 'tableWrite',
    description: 'With write protection: the guest writes to a page of its page tables.',
    fields: [
      { name: 'gva', type: 'gva', description: 'The address that the guest used.' },
      { name: 'gpa', type: 'gpa', description: 'Where its page table maps it: the bytes written.' },
      { name: 'hpa', type: 'hpa', description: 'Where that lies in the machine (HVA and HPA are the same).' },
      { name: 'entryAddress', type: 'gpa', description: 'The page-table entry that holds the bytes.' },
      { name: 'entryBefore', type: 'entry', description: 'That entry before the write.' },
      {
        name: 'entryAfter',
        type: 'entry',
        optional: true,
        description: 'After it; absent where the guest makes the write by itself.',
      },
      {
        name: 'dropped',
        type: 'number',
        description: 'How many shadow leaf entries derive from the entry, and will be dropped.',
      },
      {
        name: 'filled',
        type: 'number',
        description: 'How many shadow leaf entries will be made from the new entry, before the guest uses it.',
      },
    ],
  },
  {
    kind: 'staleTranslation',
    description:
      'The guest uses a translation that its page table no longer says, without sfence.vma since it changed the table.',
    fields: [
      { name: 'gva', type: 'gva', description: 'The address that the guest used.' },
      { name: 'access', type: 'text', description: '"fetch", "load" or "store".' },
      { name: 'satp', type: 'value', description: 'Guest satp: the address space.' },
      { name: 'view', type: 'text', description: 'The shadow root concerned: "vU", "vS" or "vS+SUM".' },
      { name: 'hpa', type: 'hpa', description: 'Where the access goes, by the old translation.' },
      {
        name: 'newHpa',
        type: 'hpa',
        optional: true,
        description: 'Where the guest page table leads now; absent where it does not allow the access.',
      },
      { name: 'shadowLevel', type: 'number', description: 'Level of the shadow entry: 0 (4 KiB) to 4.' },
      { name: 'shadowEntry', type: 'entry', description: 'The shadow entry, which holds the old translation.' },
      { name: 'entryAddress', type: 'gpa', description: 'The guest page-table entry that was changed.' },
      { name: 'entryLevel', type: 'number', description: 'Level of that entry: 0 (4 KiB) to 4.' },
      { name: 'entryBefore', type: 'entry', description: 'What it was when the translation was made.' },
      { name: 'entryNow', type: 'entry', description: 'What it is now.' },
      { name: 'writerPc', type: 'gva', description: 'The instruction that wrote it last.' },
      { name: 'writerCount', type: 'number', description: 'Instructions executed before that write.' },
      { name: 'writerVcpu', type: 'number', optional: true, description: 'The vCPU that executed that instruction.' },
      {
        name: 'writtenByGuest',
        type: 'flag',
        description:
          'Whether that instruction wrote it; false: a device, the SBI or the debugger did while it was next.',
      },
      {
        name: 'reason',
        type: 'text',
        description: 'What the guest page table says of the access now, in one sentence.',
      },
    ],
  },
  {
    kind: 'mmio',
    description: 'The guest accesses an emulated device.',
    fields: [
      { name: 'device', type: 'text', description: 'Name of the device.' },
      { name: 'gva', type: 'gva', description: 'The address that the guest used.' },
      { name: 'gpa', type: 'gpa', description: 'The device address that it stands for.' },
      { name: 'offset', type: 'number', description: 'Offset of the device register in bytes.' },
      { name: 'access', type: 'text', description: '"load" or "store".' },
      { name: 'width', type: 'number', description: 'Width of the access in bytes.' },
      { name: 'register', type: 'number', description: 'Register that is loaded or stored.' },
      { name: 'float', type: 'flag', description: 'Whether that is a floating-point register.' },
      { name: 'value', type: 'value', optional: true, description: 'The value stored; absent for a load.' },
    ],
  },
  {
    kind: 'inject',
    description: 'An exception or interrupt is about to be delivered to the guest kernel.',
    fields: [
      { name: 'cause', type: 'number', description: 'Cause code, without the interrupt bit of scause.' },
      { name: 'interrupt', type: 'flag', description: 'Whether it is an interrupt; false: an exception.' },
      { name: 'name', type: 'text', description: 'Name of the cause, such as "Load page fault".' },
      { name: 'stval', type: 'value', description: 'What guest stval will hold: the address or instruction at fault.' },
      { name: 'handler', type: 'gva', description: 'Where the guest will continue: from its stvec.' },
      {
        name: 'access',
        type: 'text',
        optional: true,
        description: 'For a fault of a memory access: "fetch", "load" or "store".',
      },
      { name: 'gpa', type: 'gpa', optional: true, description: 'For an access fault: the GPA with nothing behind it.' },
      { name: 'reason', type: 'text', optional: true, description: 'Why, in one sentence.' },
    ],
  },
  {
    kind: 'timer',
    description: 'The host timer interrupt: a virtual timer becomes pending, or a time slice is over.',
    fields: [
      { name: 'deadline', type: 'value', description: 'Time that the guest had asked for, in ticks.' },
      { name: 'time', type: 'value', description: 'Time now, in ticks of 100 ns.' },
    ],
  },
  {
    kind: 'interrupt',
    description: 'A host interrupt other than the timer takes the hart out of the guest.',
    fields: [
      { name: 'cause', type: 'number', description: 'Cause code of the host interrupt: 1 software, 9 external.' },
      { name: 'name', type: 'text', description: 'Name of the host interrupt.' },
      { name: 'sip', type: 'value', description: 'Guest sip: what is pending for the guest.' },
    ],
  },
  {
    kind: 'vcpuSwitch',
    description: 'The hart goes to another vCPU, where several share it.',
    fields: [
      { name: 'toGuest', type: 'text', description: 'Name of the guest whose vCPU gets the hart.' },
      { name: 'toVcpu', type: 'number', description: 'Number of that vCPU within its guest.' },
      {
        name: 'reason',
        type: 'text',
        description: 'Why: "slice over", "waits", "stopped", "guest ended", or "asked for" by a step of the other one.',
      },
    ],
  },
  {
    kind: 'illegal',
    description: 'The guest executes an instruction that it may not; an illegal-instruction exception will follow.',
    fields: [
      { name: 'reason', type: 'text', description: 'Why the instruction is refused, in one sentence.' },
      { name: 'csr', type: 'text', optional: true, description: 'For a CSR access: name of the CSR.' },
      { name: 'csrNumber', type: 'number', optional: true, description: 'For a CSR access: number of the CSR.' },
    ],
  },
] as const satisfies readonly KindDescription[];

type Description = (typeof EXIT_KINDS)[number];

export type ExitKind = Description['kind'];

type RequiredNames<F extends FieldDescription> = F extends { optional: true } ? never : F['name'];

/** The object type that a list of field descriptions stands for. */
type Fields<F extends FieldDescription> = {
  readonly [N in RequiredNames<F>]: FieldValues[Extract<F, { name: N }>['type']];
} & {
  readonly [N in Exclude<F['name'], RequiredNames<F>>]?: FieldValues[Extract<F, { name: N }>['type']];
};

/** The fields of one kind alone, as its exit determines them. */
export type ExitFields<K extends ExitKind> = Fields<Extract<Description, { kind: K }>['fields'][number]>;

export type CommonExitFields = Fields<(typeof COMMON_EXIT_FIELDS)[number]>;

/** What the hypervisor is going to do about a VM exit: determined, and not done yet. */
export type ExitRecord = { [K in ExitKind]: { readonly kind: K } & CommonExitFields & ExitFields<K> }[ExitKind];

/** The record of one kind. */
export type ExitRecordOf<K extends ExitKind> = Extract<ExitRecord, { kind: K }>;

/** The description of a kind, by name; undefined when there is none. */
export function describeExitKind(kind: string): KindDescription | undefined {
  return EXIT_KINDS.find((description) => description.kind === kind);
}

/** All fields of a kind, those common to all first. */
export function exitFields(kind: ExitKind): readonly FieldDescription[] {
  return [...COMMON_EXIT_FIELDS, ...(describeExitKind(kind)?.fields ?? [])];
}
