/**
 * The SBI's extensions and functions: numbers, names, arguments, and what each does in a sentence.
 * Specification: RISC-V Supervisor Binary Interface 2.0; the chapter is named with each extension.
 */

export interface SbiFunctionInfo {
  /** Function number (`a6`). */
  readonly id: number;
  /** As the specification writes it. */
  readonly name: string;
  /** Names of the arguments, `a0` first. */
  readonly arguments: readonly string[];
  readonly explanation: string;
}

export interface SbiExtensionInfo {
  /** Extension number (`a7`) as an unsigned 32-bit number. */
  readonly id: number;
  /** The specification's short name, as in "SRST". */
  readonly name: string;
  readonly title: string;
  /** Legacy extensions have one function, ignore `a6`, and answer in `a0` alone. */
  readonly legacy: boolean;
  /** Empty: the extension is known by name and not offered. */
  readonly functions: readonly SbiFunctionInfo[];
}

const HART_MASK = ['hart_mask', 'hart_mask_base'] as const;
const LEGACY_MASK = ['hart_mask_address'] as const;
const DBCN_RANGE = ['num_bytes', 'base_addr_lo', 'base_addr_hi'] as const;

function call<N extends string>(id: number, name: N, args: readonly string[], explanation: string) {
  return { id, name, arguments: args, explanation } as const;
}

function legacy<N extends string>(id: number, name: N, args: readonly string[], explanation: string) {
  const title = 'Legacy (chapter 5)';
  return { id, name: 'LEGACY', title, legacy: true, functions: [call(0, name, args, explanation)] } as const;
}

/** The legacy extensions (chapter 5), whose number is their function. */
const LEGACY = [
  legacy(0x00, 'sbi_set_timer', ['stime_value'], 'Asks for a timer interrupt at that time; clears the pending one.'),
  legacy(0x01, 'sbi_console_putchar', ['ch'], 'Writes one character to the console.'),
  legacy(0x02, 'sbi_console_getchar', [], 'Reads one character from the console; -1 when none waits.'),
  legacy(0x03, 'sbi_clear_ipi', [], 'Clears the pending supervisor software interrupt of the calling hart.'),
  legacy(0x04, 'sbi_send_ipi', LEGACY_MASK, 'Sends a software interrupt to the harts of a mask in memory.'),
  legacy(0x05, 'sbi_remote_fence_i', LEGACY_MASK, 'Has the harts of a mask in memory execute FENCE.I.'),
  legacy(
    0x06,
    'sbi_remote_sfence_vma',
    [...LEGACY_MASK, 'start', 'size'],
    'Has the harts of a mask in memory execute SFENCE.VMA for a range of virtual addresses.',
  ),
  legacy(
    0x07,
    'sbi_remote_sfence_vma_asid',
    [...LEGACY_MASK, 'start', 'size', 'asid'],
    'Has the harts of a mask in memory execute SFENCE.VMA for a range of virtual addresses in one address space.',
  ),
  legacy(0x08, 'sbi_shutdown', [], 'Powers the machine off.'),
] as const;

/** The other extensions that this SBI offers. */
const OFFERED = [
  {
    id: 0x10,
    name: 'BASE',
    title: 'Base (chapter 4)',
    legacy: false,
    functions: [
      call(
        0,
        'sbi_get_spec_version',
        [],
        'Returns the version of the SBI specification: major in bits 30:24, minor below.',
      ),
      call(1, 'sbi_get_impl_id', [], 'Returns the number that names this SBI implementation.'),
      call(2, 'sbi_get_impl_version', [], "Returns this implementation's own version."),
      call(
        3,
        'sbi_probe_extension',
        ['extension_id'],
        'Returns 0 when the extension is not offered, else another number.',
      ),
      call(4, 'sbi_get_mvendorid', [], 'Returns what the CSR mvendorid holds.'),
      call(5, 'sbi_get_marchid', [], 'Returns what the CSR marchid holds.'),
      call(6, 'sbi_get_mimpid', [], 'Returns what the CSR mimpid holds.'),
    ],
  },
  {
    id: 0x54494d45,
    name: 'TIME',
    title: 'Timer (chapter 6)',
    legacy: false,
    functions: [
      call(0, 'sbi_set_timer', ['stime_value'], 'Asks for a timer interrupt at that time; clears the pending one.'),
    ],
  },
  {
    id: 0x735049,
    name: 'IPI',
    title: 'Inter-processor interrupts (chapter 7)',
    legacy: false,
    functions: [call(0, 'sbi_send_ipi', HART_MASK, 'Sends a supervisor software interrupt to the harts of a mask.')],
  },
  {
    id: 0x52464e43,
    name: 'RFENCE',
    title: 'Remote fences (chapter 8)',
    legacy: false,
    functions: [
      call(0, 'sbi_remote_fence_i', HART_MASK, 'Has the harts of a mask execute FENCE.I.'),
      call(
        1,
        'sbi_remote_sfence_vma',
        [...HART_MASK, 'start_addr', 'size'],
        'Has the harts of a mask execute SFENCE.VMA for a range of virtual addresses.',
      ),
      call(
        2,
        'sbi_remote_sfence_vma_asid',
        [...HART_MASK, 'start_addr', 'size', 'asid'],
        'Has the harts of a mask execute SFENCE.VMA for a range of virtual addresses in one address space.',
      ),
    ],
  },
  {
    id: 0x48534d,
    name: 'HSM',
    title: 'Hart state management (chapter 9)',
    legacy: false,
    functions: [
      call(
        0,
        'sbi_hart_start',
        ['hartid', 'start_addr', 'opaque'],
        'Starts a stopped hart in S-mode at a physical address.',
      ),
      call(1, 'sbi_hart_stop', [], 'Stops the calling hart.'),
      call(2, 'sbi_hart_get_status', ['hartid'], 'Returns whether a hart is started (0), stopped (1), or between.'),
      call(
        3,
        'sbi_hart_suspend',
        ['suspend_type', 'resume_addr', 'opaque'],
        'Puts the calling hart into a low-power state until an interrupt pends.',
      ),
    ],
  },
  {
    id: 0x53525354,
    name: 'SRST',
    title: 'System reset (chapter 10)',
    legacy: false,
    functions: [
      call(
        0,
        'sbi_system_reset',
        ['reset_type', 'reset_reason'],
        'Shuts the machine down (0) or reboots it (1 cold, 2 warm).',
      ),
    ],
  },
  {
    id: 0x4442434e,
    name: 'DBCN',
    title: 'Debug console (chapter 12)',
    legacy: false,
    functions: [
      call(
        0,
        'sbi_debug_console_write',
        DBCN_RANGE,
        'Writes bytes of physical memory to the console; returns how many.',
      ),
      call(
        1,
        'sbi_debug_console_read',
        DBCN_RANGE,
        'Reads waiting console input into physical memory; returns how many bytes.',
      ),
      call(2, 'sbi_debug_console_write_byte', ['byte'], 'Writes one byte to the console.'),
    ],
  },
] as const;

/** The functions that this SBI offers, by name. */
export type SbiFunctionName = (typeof OFFERED)[number]['functions'][number]['name'];
export type SbiLegacyName = (typeof LEGACY)[number]['functions'][number]['name'];

/** Extensions that programs probe for and that this SBI does not offer. */
const KNOWN: readonly SbiExtensionInfo[] = [
  { id: 0x504d55, name: 'PMU', title: 'Performance monitoring (chapter 11)' },
  { id: 0x53555350, name: 'SUSP', title: 'System suspend (chapter 13)' },
  { id: 0x43505043, name: 'CPPC', title: 'Collaborative processor performance control (chapter 14)' },
  { id: 0x4e41434c, name: 'NACL', title: 'Nested acceleration (chapter 15)' },
  { id: 0x535441, name: 'STA', title: 'Steal-time accounting (chapter 16)' },
].map((extension) => ({ ...extension, legacy: false, functions: [] }));

export const SBI_EXTENSIONS: readonly SbiExtensionInfo[] = [...LEGACY, ...OFFERED, ...KNOWN];

const BY_ID = new Map(SBI_EXTENSIONS.map((extension) => [extension.id, extension]));

/** The extension with this number (unsigned, 32 bits), when it is one that the table names. */
export function sbiExtension(id: number): SbiExtensionInfo | undefined {
  return BY_ID.get(id);
}

/** The function with this number; a legacy extension has one, whatever the number says. */
export function sbiFunction(extension: SbiExtensionInfo, id: number): SbiFunctionInfo | undefined {
  return extension.legacy ? extension.functions[0] : extension.functions.find((entry) => entry.id === id);
}

/** Error codes (section 3.1); what a call returns in `a0` is one of these or 0. */
export const SBI_ERRORS = {
  SBI_SUCCESS: 0,
  SBI_ERR_FAILED: -1,
  SBI_ERR_NOT_SUPPORTED: -2,
  SBI_ERR_INVALID_PARAM: -3,
  SBI_ERR_DENIED: -4,
  SBI_ERR_INVALID_ADDRESS: -5,
  SBI_ERR_ALREADY_AVAILABLE: -6,
  SBI_ERR_ALREADY_STARTED: -7,
  SBI_ERR_ALREADY_STOPPED: -8,
  SBI_ERR_NO_SHMEM: -9,
} as const;

export type SbiErrorName = keyof typeof SBI_ERRORS;

/** The name of an error code as it stands in `a0` (unsigned, 64 bits), if the specification gives it one. */
export function sbiErrorName(a0: bigint): SbiErrorName | undefined {
  const code = Number(BigInt.asIntN(64, a0));
  return (Object.keys(SBI_ERRORS) as SbiErrorName[]).find((name) => SBI_ERRORS[name] === code);
}
