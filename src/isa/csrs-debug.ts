/** The trigger CSRs of the debug specification 1.0 (chapter 5), for a hart that has no triggers. */
import type { CsrDescription } from './csr-description';
import { csr, field, wholeValue } from './csr-description';

/** Bit 0 of tinfo: no trigger is selected. */
const NO_TRIGGER = 1n;

export const debugCsrs: readonly CsrDescription[] = [
  csr(
    0x7a0,
    'tselect',
    'Which trigger tdata1 to tdata3 show; there are none.',
    wholeValue('Always zero: no trigger can be selected.', 'RO'),
  ),
  csr(0x7a1, 'tdata1', 'The kind and settings of the selected trigger.', [
    field('type', 63, 60, 'RO', 'The kind of trigger.', { values: { 0: 'no trigger' } }),
  ]),
  csr(
    0x7a2,
    'tdata2',
    'The address or value of the selected trigger.',
    wholeValue('Always zero: there is no trigger.', 'RO'),
  ),
  csr(
    0x7a3,
    'tdata3',
    'Further settings of the selected trigger.',
    wholeValue('Always zero: there is no trigger.', 'RO'),
  ),
  csr(
    0x7a4,
    'tinfo',
    'The kinds that the selected trigger can have.',
    [field('info', 15, 0, 'RO', 'Bit n: kind n is possible; bit 0: there is no trigger.')],
    { reset: NO_TRIGGER },
  ),
];
