/** The supervisor CSRs (Privileged 4.1). */
import type { CsrDescription } from './csr-description';
import { csr, field, hex, wholeValue } from './csr-description';
import {
  counterEnableFields,
  environmentFields,
  interruptEnables,
  interruptPending,
  legaliseEnvironment,
  legaliseStatus,
  legaliseTrapVector,
  sstatusFields,
  trapCauseFields,
  trapPcFields,
  trapVectorFields,
} from './csrs-status';

/** The translation schemes that satp.MODE can select on this machine. */
const translationModes = {
  0: 'Bare: no translation',
  8: 'Sv39: 39-bit virtual addresses, three levels',
  9: 'Sv48: 48-bit virtual addresses, four levels',
  10: 'Sv57: 57-bit virtual addresses, five levels',
};

const PPN_SHIFT = 12n;
const MODE_SHIFT = 60n;

/** A write with an unsupported MODE has no effect at all (Privileged 4.1.11). */
const legaliseSatp = (old: bigint, next: bigint): bigint =>
  Number(next >> MODE_SHIFT) in translationModes ? next : old;

export const supervisorCsrs: readonly CsrDescription[] = [
  csr(
    0x100,
    'sstatus',
    "The supervisor's status: interrupt enable, previous mode, memory access rules.",
    sstatusFields,
    {
      viewOf: 'mstatus',
      legalise: legaliseStatus,
      reset: 2n << 32n,
    },
  ),
  csr(0x104, 'sie', 'The interrupts enabled for S-mode: those of mie that mideleg delegates.', interruptEnables('S'), {
    viewOf: 'mie',
  }),
  csr(0x105, 'stvec', 'Where traps into S-mode go.', trapVectorFields, { legalise: legaliseTrapVector }),
  csr(0x106, 'scounteren', 'Which counters U-mode may read.', counterEnableFields),
  csr(0x10a, 'senvcfg', 'Settings for the environment of U-mode.', environmentFields, {
    legalise: legaliseEnvironment,
  }),
  csr(
    0x140,
    'sscratch',
    'A word for the trap handler, usually the address of its context.',
    wholeValue('Any value: software keeps it here, and the hart does not look at it.'),
  ),
  csr(0x141, 'sepc', 'Where the last trap into S-mode happened; sret returns there.', trapPcFields),
  csr(0x142, 'scause', 'Why the last trap into S-mode happened.', trapCauseFields),
  csr(
    0x143,
    'stval',
    'The faulting address or instruction of the last trap into S-mode, or zero.',
    wholeValue('An address, an instruction, or zero.'),
  ),
  csr(
    0x144,
    'sip',
    'The pending interrupts of S-mode: those of mip that mideleg delegates.',
    interruptPending('S', ['SSIP']),
    {
      viewOf: 'mip',
    },
  ),
  csr(
    0x14d,
    'stimecmp',
    'The supervisor timer interrupt is pending while time is at or past this value.',
    wholeValue('The ticks of time from which on the interrupt is pending.'),
    {
      extension: 'Sstc',
    },
  ),
  csr(
    0x180,
    'satp',
    'The page table in use: translation scheme, address space, root page.',
    [
      field('MODE', 63, 60, 'WARL', 'The translation scheme.', { values: translationModes }),
      field('ASID', 59, 44, 'WARL', 'The address space identifier.', { explain: (value) => `address space ${value}` }),
      field('PPN', 43, 0, 'WARL', 'The physical page number of the root page table.', {
        explain: (value) => `root table at ${hex(value << PPN_SHIFT)}`,
      }),
    ],
    { legalise: legaliseSatp },
  ),
];
