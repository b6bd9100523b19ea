/** Shows a difference: the program as assembly, and where the two states differ. */
import { disassembleWord } from '../../src/isa/disassemble';
import type { Program } from './program';
import { FINAL_CSRS, SUMMARY } from './skeleton';
import { hex } from './unit';

const spelled = (line: string): string => {
  const word = /^\.word (0x[0-9a-f]+)$/.exec(line);
  if (!word) return line;
  const value = Number(word[1]);
  const pieces = (value & 3) === 3 ? [value] : [value & 0xffff, value >>> 16];
  const texts = pieces.map((piece) => disassembleWord(piece, 0n).text.replaceAll('\t', ' '));
  return `${line.padEnd(20)} # ${texts.join('; ')}`;
};

/** The program's lines, with the registers that they may depend on. */
export function listing(program: Program): string {
  const registers = program.registers
    .map((value, x) => [x, value] as const)
    .filter(([x, value]) => x !== 0 && x !== 2 && value !== 0n)
    .map(([x, value]) => `    # x${x} = ${hex(value)}`);
  const lines = program.units.flatMap((unit, i) => [`unit ${i}:`, ...unit.map((line) => `    ${spelled(line)}`)]);
  return [...registers, ...lines].join('\n');
}

/** A state as it was printed in full: the names of what there is with its values. */
function parse(output: string): Map<string, string> {
  const state = new Map<string, string>();
  const traps = output.split('\n').filter((line) => line.startsWith('T'));
  traps.forEach((line, i) => {
    const [cause, value, pc, status, slot] = line.slice(1).trim().split(' ');
    state.set(`trap ${i}`, `cause ${cause} tval ${value} pc ${pc} status ${status} handler ${slot}`);
  });
  const fields = (output.split('\n').find((line) => line.startsWith('P')) ?? '').slice(1).trim().split(' ').slice(1);
  const next = (): string => fields.shift() ?? '';
  for (let x = 1; x < 32; x++) state.set(`x${x}`, next());
  state.set(SUMMARY[0], next());
  for (const [name] of FINAL_CSRS) state.set(name, next());
  state.set(SUMMARY[1], next());
  while (fields.length > 2) state.set(`memory at ${next()}`, next());
  return state;
}

/** The lines in which two states differ. */
export function differences(ours: string, theirs: string): string {
  const [left, right] = [parse(ours), parse(theirs)];
  const names = [...new Set([...left.keys(), ...right.keys()])];
  const different = names.filter((name) => left.get(name) !== right.get(name));
  return different
    .slice(0, 40)
    .flatMap((name) => [`${name}:`, `    here  ${left.get(name) ?? '-'}`, `    QEMU  ${right.get(name) ?? '-'}`])
    .join('\n');
}
