/** The binary of an image: the harness, and programs one after the other. */
import { assembleProgram } from '../../../src/isa/assemble';
import { machineExtensions } from '../../../src/isa/extensions';
import { FLAT_BASE } from '../../support/flat-program';
import * as at from '../layout';
import type { Program } from '../program';
import { switchesFor } from '../traits';
import { hex } from '../unit';
import { finish } from './finish';
import { handlers } from './handlers';
import { prepare } from './prepare';

/** menvcfg, as far as programs do not choose it. */
const environment = ({ traits }: Program): bigint =>
  (traits.comparesTime ? 1n << 63n : 0n) | (traits.memoryTypes ? 1n << 62n : 0n);

const MPP_MACHINE = 0x1800;
const FS_SHIFT = 13;
/** mstatus at first. */
const status = ({ floatState }: Program): number => MPP_MACHINE | (floatState << FS_SHIFT);

/** The lines of program n: its header, and its units, each with a label. */
function lines(program: Program, n: number): string {
  const { units } = program;
  const labelled = units.map((unit, i) => {
    const body = unit.map((line) =>
      line.replace(/skip:(\d+)/, (_, distance: string) => `unit_${n}_${Math.min(i + Number(distance), units.length)}`),
    );
    return `unit_${n}_${i}:\n${body.join('\n')}`;
  });
  const header = [
    `code_${n}`,
    `end_${n}`,
    n,
    `program_${n + 1}`,
    hex(environment(program)),
    hex(program.delegated),
    program.rounds,
    program.fcsr,
    hex(status(program)),
  ];
  return `
.skip ${program.padding ?? 0}
program_${n}:
  la a0, header_${n}
  j prepare
.balign 8
header_${n}:
${[...header, ...program.registers.map(hex)].map((value) => `.dword ${value}`).join('\n')}
code_${n}:
${labelled.join('\n')}
unit_${n}_${units.length}:
  li a7, ${at.CALL_FINISH}
  ecall
end_${n}:
.balign 8
`;
}

/** What ends the machine after the programs, and the harness's data. */
const epilogue = (count: number, verbose: boolean): string => `
program_${count}:
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
1: j 1b
.balign 8
# The address of the current program's header.
current: .dword 0
traps_left: .dword 0
rounds_left: .dword 0
trap_sum: .dword 0
verbose: .dword ${verbose ? 1 : 0}
save: .skip 256
.equ middle, ${at.MIDDLE_OF_DATA}
`;

/**
 * A binary for the start of memory.
 * @param programs of one group, so for the same machine
 * @param verbose the whole state is printed, and each trap
 */
export function image(programs: readonly Program[], verbose = false): Uint8Array {
  const extensions = machineExtensions(switchesFor(programs[0].seed));
  const harness = ['la t0, program_0\njr t0', handlers(extensions), prepare(extensions), finish(extensions)];
  return assembleProgram(
    [...harness, ...programs.map(lines), epilogue(programs.length, verbose)].join('\n'),
    FLAT_BASE,
  );
}
