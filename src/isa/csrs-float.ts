/** The floating-point CSRs (Unprivileged 20.2). The machine has them once it has the F extension. */
import type { CsrDescription } from './csr-description';
import { csr, field, flag } from './csr-description';

const frm = {
  0: 'to nearest, ties to even',
  1: 'towards zero',
  2: 'down',
  3: 'up',
  4: 'to nearest, ties away from zero',
};

const flags = [
  flag(
    'NV',
    4,
    'WARL',
    'Invalid operation: there was no meaningful result, as of 0/0 or the root of a negative number.',
  ),
  flag('DZ', 3, 'WARL', 'Division by zero: the result was an exact infinity.'),
  flag('OF', 2, 'WARL', 'Overflow: a rounded result was too large for its format.'),
  flag('UF', 1, 'WARL', 'Underflow: a result was very small, and rounded.'),
  flag('NX', 0, 'WARL', 'Inexact: a result was rounded.'),
];

const roundingMode = 'The rounding mode of instructions that name none.';

export const floatCsrs: readonly CsrDescription[] = [
  csr(0x001, 'fflags', 'The accrued floating-point exceptions.', flags, { extension: 'F', viewOf: 'fcsr' }),
  csr(0x002, 'frm', 'The floating-point rounding mode.', [field('mode', 2, 0, 'WARL', roundingMode, { values: frm })], {
    extension: 'F',
    viewOf: 'fcsr',
  }),
  csr(
    0x003,
    'fcsr',
    'The floating-point rounding mode and accrued exceptions.',
    [field('frm', 7, 5, 'WARL', roundingMode, { values: frm }), ...flags],
    { extension: 'F' },
  ),
];
