/** Cycle, time, instruction and event counters (Unprivileged 11, Privileged 3.1.10 to 3.1.12). */
import type { CsrDescription } from './csr-description';
import { csr, field, flag, wholeValue } from './csr-description';

/** hpmcounter3 to hpmcounter31: they exist and always read zero, as the specification allows. */
const eventCounters = Array.from({ length: 29 }, (_, i) => i + 3);

export const counterCsrs: readonly CsrDescription[] = [
  csr(
    0xc00,
    'cycle',
    'The clock cycles that this hart has run.',
    wholeValue('The cycles since mcycle was zero.', 'RO'),
    {
      viewOf: 'mcycle',
      extension: 'Zicntr',
    },
  ),
  csr(
    0xc01,
    'time',
    'The time, in ticks of the machine timer (mtime).',
    wholeValue('The ticks, 10 million for each second.', 'RO'),
    {
      extension: 'Zicntr',
    },
  ),
  csr(
    0xc02,
    'instret',
    'The instructions that this hart has completed.',
    wholeValue('The instructions since minstret was zero.', 'RO'),
    {
      viewOf: 'minstret',
      extension: 'Zicntr',
    },
  ),
  ...eventCounters.map((n) =>
    csr(
      0xc00 + n,
      `hpmcounter${n}`,
      `Event counter ${n}; it counts nothing.`,
      wholeValue('Always zero: the counter counts nothing.', 'RO'),
      {
        viewOf: `mhpmcounter${n}`,
        extension: 'Zihpm',
      },
    ),
  ),
  csr(0x320, 'mcountinhibit', 'Which counters stand still.', [
    field('HPM', 31, 3, 'RO', 'Bit n: hpmcounter n stands still.'),
    flag('IR', 2, 'WARL', 'instret stands still.'),
    flag('CY', 0, 'WARL', 'cycle stands still.'),
  ]),
  ...eventCounters.map((n) =>
    csr(
      0x320 + n,
      `mhpmevent${n}`,
      `What event counter ${n} counts.`,
      wholeValue('Always zero: the counter counts nothing.', 'RO'),
    ),
  ),
  csr(
    0xb00,
    'mcycle',
    'The clock cycles that this hart has run.',
    wholeValue('The cycles counted; what is written is counted on from.'),
  ),
  csr(
    0xb02,
    'minstret',
    'The instructions that this hart has completed.',
    wholeValue('The instructions counted; what is written is counted on from.'),
  ),
  ...eventCounters.map((n) =>
    csr(
      0xb00 + n,
      `mhpmcounter${n}`,
      `Event counter ${n}; it counts nothing.`,
      wholeValue('Always zero: the counter counts nothing.', 'RO'),
    ),
  ),
];
