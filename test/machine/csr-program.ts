/**
 * A program that writes values to CSRs, one after another from the CSR's value at reset, and prints what each then holds.
 * It runs on our machine and in QEMU.
 */
import { assembleProgram } from '../../src/isa/assemble';
import { PRINT } from '../support/print-routine';
import { FLAT_BASE } from '../support/flat-program';

export interface CsrTrial {
  readonly name: string;
  readonly values: readonly bigint[];
  /** CSRs whose values are printed after each write; the one written, unless said otherwise. */
  readonly shown?: readonly string[];
}

const library = `
  j start
${PRINT}put:
  li t0, 0x10000000
  sb a0, 0(t0)
  ret
start:
`;

/** No memory is touched while a value is in place: it may change how that works. */
function trial({ name, values, shown = [name] }: CsrTrial, index: number): string {
  const registers = ['s6', 's7', 's8'];
  return `
    csrr s0, ${name}
    la s1, values_${index}
    la s2, ends_${index}
  1: ld a1, 0(s1)
    csrw ${name}, a1
    ${shown.map((csr, i) => `csrr ${registers[i]}, ${csr}`).join('\n')}
    csrw ${name}, s0
    ${shown.map((_, i) => `mv a0, ${registers[i]}\ncall print`).join('\n')}
    li a0, 10
    call put
    addi s1, s1, 8
    blt s1, s2, 1b
    j ends_${index}
  .balign 8
  values_${index}: .dword ${values.join(', ')}
  ends_${index}:`;
}

/** One line for each value of each trial: the values shown, in hexadecimal. `setup` runs first. */
export function csrProgram(trials: readonly CsrTrial[], setup = ''): Uint8Array {
  const end = 'li t0, 0x100000\nli t1, 0x5555\nsw t1, 0(t0)\n1: j 1b\n';
  return assembleProgram(`${library}\n${setup}\n${trials.map(trial).join('\n')}\n${end}`, FLAT_BASE);
}
