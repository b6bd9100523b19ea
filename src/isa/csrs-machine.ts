/** The machine CSRs (Privileged 3.1), without physical memory protection and counters, which have files of their own. */
import type { CsrDescription } from './csr-description';
import { csr, field, flag, wholeValue } from './csr-description';
import {
  counterEnableFields,
  environmentFields,
  interruptEnables,
  interruptPending,
  legaliseEnvironment,
  legaliseStatus,
  legaliseTrapVector,
  mstatusFields,
  STATUS_XLEN,
  trapCauseFields,
  trapPcFields,
  trapVectorFields,
} from './csrs-status';
import { exceptionCauses, interruptCauses } from './causes';
import { misaLetters } from './extensions';

const MACHINE_ECALL = 11;

/** The letters of the extensions in misa, in alphabetical order. */
const letters = (bits: bigint): string =>
  Array.from({ length: 26 }, (_, i) => ((bits >> BigInt(i)) & 1n ? String.fromCharCode(65 + i) : '')).join('') ||
  'none';

const delegation = (causes: typeof exceptionCauses): ReturnType<typeof flag>[] =>
  [...causes]
    .sort((a, b) => b.code - a.code)
    .map(({ code, name }) => flag(name, code, 'WARL', `S-mode handles "${name}" when it comes from S- or U-mode.`));

export const machineCsrs: readonly CsrDescription[] = [
  csr(
    0xf11,
    'mvendorid',
    'The JEDEC number of the vendor, or zero.',
    wholeValue('The JEDEC bank and number; zero: not given.', 'RO'),
  ),
  csr(
    0xf12,
    'marchid',
    'The microarchitecture of the hart, or zero.',
    wholeValue('A number that the vendor chose; zero: not given.', 'RO'),
  ),
  csr(
    0xf13,
    'mimpid',
    'The version of the implementation, or zero.',
    wholeValue('A number that the implementer chose; zero: not given.', 'RO'),
  ),
  csr(
    0xf14,
    'mhartid',
    'The number of this hart.',
    wholeValue('The number, by which devices and firmware know the hart.', 'RO'),
  ),
  csr(
    0xf15,
    'mconfigptr',
    'The address of a configuration structure, or zero.',
    wholeValue('The physical address of the structure; zero: there is none.', 'RO'),
  ),

  csr(
    0x300,
    'mstatus',
    'The status of the hart: interrupt enables, previous modes, memory access rules.',
    mstatusFields,
    {
      legalise: legaliseStatus,
      reset: STATUS_XLEN,
    },
  ),
  csr(
    0x301,
    'misa',
    'The register width and the extensions of the hart.',
    [
      field('MXL', 63, 62, 'RO', 'The register width in M-mode.', {
        values: { 1: '32 bits', 2: '64 bits', 3: '128 bits' },
      }),
      field('Extensions', 25, 0, 'RO', 'One bit for each letter; A is bit 0.', { explain: letters }),
    ],
    { reset: (2n << 62n) | BigInt(misaLetters) },
  ),
  // No exception that never comes from S- or U-mode can be delegated: an ecall from M-mode (Privileged 3.1.8).
  csr(
    0x302,
    'medeleg',
    'The exceptions that S-mode handles.',
    delegation(exceptionCauses.filter(({ code }) => code !== MACHINE_ECALL)),
  ),
  csr(
    0x303,
    'mideleg',
    'The interrupts that S-mode handles.',
    delegation(interruptCauses.filter(({ name }) => name.startsWith('Supervisor'))),
  ),
  csr(0x304, 'mie', 'The enabled interrupts.', interruptEnables('M')),
  csr(0x305, 'mtvec', 'Where traps into M-mode go.', trapVectorFields, { legalise: legaliseTrapVector }),
  csr(0x306, 'mcounteren', 'Which counters S-mode may read.', counterEnableFields),
  csr(
    0x30a,
    'menvcfg',
    'Settings for the environment of S- and U-mode.',
    [
      flag('STCE', 63, 'WARL', 'stimecmp is enabled.', { extension: 'Sstc' }),
      flag('PBMTE', 62, 'WARL', 'Page-based memory types are enabled.', { extension: 'Svpbmt' }),
      flag('ADUE', 61, 'WARL', 'Accesses set the A and D bits of page-table entries, instead of faulting.', {
        extension: 'Svadu',
      }),
      ...environmentFields,
    ],
    { legalise: legaliseEnvironment },
  ),
  csr(
    0x340,
    'mscratch',
    'A word for the machine-mode trap handler.',
    wholeValue('Any value: software keeps it here, and the hart does not look at it.'),
  ),
  csr(0x341, 'mepc', 'Where the last trap into M-mode happened; mret returns there.', trapPcFields),
  csr(0x342, 'mcause', 'Why the last trap into M-mode happened.', trapCauseFields),
  csr(
    0x343,
    'mtval',
    'The faulting address or instruction of the last trap into M-mode, or zero.',
    wholeValue('An address, an instruction, or zero.'),
  ),
  csr(0x344, 'mip', 'The pending interrupts.', interruptPending('M', ['SEIP', 'STIP', 'SSIP'])),
];
