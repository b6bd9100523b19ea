/** The fields that M- and S-mode CSRs share: status, interrupts, trap vector, trap cause, environment. */
import { causeName } from './causes';
import type { CsrField } from './csr-description';
import { bitRange, field, flag, hex } from './csr-description';

const extensionState = { 0: 'off', 1: 'initial', 2: 'clean', 3: 'dirty' };
const endianness = { 0: 'little-endian', 1: 'big-endian' };
const xlen = { 1: '32 bits', 2: '64 bits', 3: '128 bits' };
export const supervisorPrevious = { 0: 'U-mode', 1: 'S-mode' };

const SD = flag('SD', 63, 'RO', 'Some extension state is dirty: FS, VS or XS is 3.');
const UXL = field('UXL', 33, 32, 'RO', 'The register width in U-mode.', { values: xlen });
const MXR = flag('MXR', 19, 'WARL', 'Loads may also read pages that are only executable.');
const SUM = flag('SUM', 18, 'WARL', 'S-mode may load from and store to pages that U-mode can access.');
const XS = field('XS', 16, 15, 'RO', 'The state of further user extensions.', { values: extensionState });
const FS = field(
  'FS',
  14,
  13,
  'WARL',
  'The state of the floating-point unit; when off, its instructions are illegal.',
  {
    values: extensionState,
    extension: 'F',
  },
);
const VS = field('VS', 10, 9, 'WARL', 'The state of the vector unit; when off, its instructions are illegal.', {
  values: extensionState,
  extension: 'V',
});
const SPP = flag('SPP', 8, 'WARL', 'The mode that the last trap into S-mode came from; sret returns there.', {
  values: supervisorPrevious,
});
const UBE = flag('UBE', 6, 'RO', 'The byte order of memory accesses in U-mode.', { values: endianness });
const SPIE = flag('SPIE', 5, 'WARL', 'Whether S-mode interrupts were enabled before the last trap into S-mode.');
const SIE = flag('SIE', 1, 'WARL', 'Interrupts are enabled while the hart is in S-mode.');

export const sstatusFields: readonly CsrField[] = [SD, UXL, MXR, SUM, XS, FS, VS, SPP, UBE, SPIE, SIE];

export const mstatusFields: readonly CsrField[] = [
  SD,
  flag('MBE', 37, 'RO', 'The byte order of memory accesses in M-mode.', { values: endianness }),
  flag('SBE', 36, 'RO', 'The byte order of memory accesses in S-mode.', { values: endianness }),
  field('SXL', 35, 34, 'RO', 'The register width in S-mode.', { values: xlen }),
  UXL,
  flag('TSR', 22, 'WARL', 'sret in S-mode is illegal.'),
  flag('TW', 21, 'WARL', 'wfi in less privileged modes is illegal when it would have to wait.'),
  flag('TVM', 20, 'WARL', 'satp and sfence.vma in S-mode are illegal.'),
  MXR,
  SUM,
  flag('MPRV', 17, 'WARL', 'Loads and stores are translated and checked as in the mode in MPP.'),
  XS,
  FS,
  field('MPP', 12, 11, 'WARL', 'The mode that the last trap into M-mode came from; mret returns there.', {
    values: { 0: 'U-mode', 1: 'S-mode', 3: 'M-mode' },
  }),
  VS,
  SPP,
  flag('MPIE', 7, 'WARL', 'Whether M-mode interrupts were enabled before the last trap into M-mode.'),
  UBE,
  SPIE,
  flag('MIE', 3, 'WARL', 'Interrupts are enabled while the hart is in M-mode.'),
  SIE,
];

/** UXL = SXL = 2, for 64 bits. */
export const STATUS_XLEN = (2n << 34n) | (2n << 32n);

const EXTENSION_STATES = [bitRange(16, 15), bitRange(14, 13), bitRange(10, 9)];
const SD_BIT = 1n << 63n;
const MPP_MASK = bitRange(12, 11);
const MPP_RESERVED = 2n << 11n;

/** SD follows from FS, VS and XS; the reserved mode 2 in MPP leaves MPP as it was (Privileged 3.1.6). */
export function legaliseStatus(old: bigint, next: bigint): bigint {
  const mpp = (next & MPP_MASK) === MPP_RESERVED ? old & MPP_MASK : next & MPP_MASK;
  const dirty = EXTENSION_STATES.some((mask) => (next & mask) === mask);
  return (next & ~(MPP_MASK | SD_BIT)) | mpp | (dirty ? SD_BIT : 0n);
}

const interruptSources = [
  { prefix: 'ME', bit: 11, what: 'machine external interrupt' },
  { prefix: 'SE', bit: 9, what: 'supervisor external interrupt' },
  { prefix: 'MT', bit: 7, what: 'machine timer interrupt' },
  { prefix: 'ST', bit: 5, what: 'supervisor timer interrupt' },
  { prefix: 'MS', bit: 3, what: 'machine software interrupt' },
  { prefix: 'SS', bit: 1, what: 'supervisor software interrupt' },
];

const sourcesFor = (mode: 'M' | 'S'): typeof interruptSources =>
  interruptSources.filter(({ prefix }) => mode === 'M' || prefix.startsWith('S'));

/** The enable bits of mie or sie. */
export const interruptEnables = (mode: 'M' | 'S'): readonly CsrField[] =>
  sourcesFor(mode).map(({ prefix, bit, what }) => flag(`${prefix}IE`, bit, 'WARL', `The ${what} is enabled.`));

/** The pending bits of mip or sip; `writable` lists those that software sets and clears. */
export const interruptPending = (mode: 'M' | 'S', writable: readonly string[]): readonly CsrField[] =>
  sourcesFor(mode).map(({ prefix, bit, what }) =>
    flag(`${prefix}IP`, bit, writable.includes(`${prefix}IP`) ? 'WARL' : 'RO', `The ${what} is pending.`),
  );

export const trapVectorFields: readonly CsrField[] = [
  field('BASE', 63, 2, 'WARL', 'The address of the trap handler, without its two lowest bits.', {
    explain: (value) => `handler at ${hex(value << 2n)}`,
  }),
  field('MODE', 1, 0, 'WARL', 'Whether interrupts have entries of their own, at BASE + 4 × cause.', {
    values: { 0: 'direct', 1: 'vectored' },
  }),
];

/** A write with a reserved MODE has no effect (as QEMU does; Privileged 3.1.7 leaves the choice). */
export const legaliseTrapVector = (old: bigint, next: bigint): bigint => ((next & 3n) > 1n ? old : next);

export const trapCauseFields: readonly CsrField[] = [
  flag('Interrupt', 63, 'WARL', 'The trap was an interrupt, not an exception.', {
    values: { 0: 'exception', 1: 'interrupt' },
  }),
  field('Code', 62, 0, 'WLRL', 'What caused the trap.', { explain: (_code, whole) => causeName(whole) }),
];

/** An address at which an instruction can start: bit 0 is always zero (Privileged 3.1.14). */
export const trapPcFields: readonly CsrField[] = [
  field('address', 63, 0, 'WARL', 'The address of the instruction that trapped or was interrupted.', {
    writable: bitRange(63, 1),
    explain: hex,
  }),
];

export const environmentFields: readonly CsrField[] = [
  flag('CBZE', 7, 'WARL', 'cbo.zero is enabled in less privileged modes.', { extension: 'Zicboz' }),
  flag('CBCFE', 6, 'WARL', 'cbo.clean and cbo.flush are enabled in less privileged modes.', { extension: 'Zicbom' }),
  field('CBIE', 5, 4, 'WARL', 'What cbo.inval does in less privileged modes.', {
    values: { 0: 'illegal', 1: 'flush', 3: 'invalidate' },
    extension: 'Zicbom',
  }),
  flag('FIOM', 0, 'WARL', 'A fence of device accesses in less privileged modes also orders memory.'),
];

const CBIE = bitRange(5, 4);
const CBIE_RESERVED = 2n << 4n;

/** A reserved CBIE leaves the field as it was (the choice is ours: Cache-Block Management 2.7). */
export const legaliseEnvironment = (old: bigint, next: bigint): bigint =>
  (next & CBIE) === CBIE_RESERVED ? (next & ~CBIE) | (old & CBIE) : next;

export const counterEnableFields: readonly CsrField[] = [
  field('HPM', 31, 3, 'WARL', 'Bit n: hpmcounter n can be read in the next less privileged mode.'),
  flag('IR', 2, 'WARL', 'instret can be read in the next less privileged mode.'),
  flag('TM', 1, 'WARL', 'time can be read in the next less privileged mode.'),
  flag('CY', 0, 'WARL', 'cycle can be read in the next less privileged mode.'),
];
