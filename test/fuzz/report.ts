/** Shows a difference: the program as assembly, and where the states differ. */
import { disassembleWord } from '../../src/isa/disassemble';
import { FLOATS } from './harness/registers';
import { finalCsrs, SUMMARY } from './harness/state';
import type { Program } from './program';
import { processor, switchesFor } from './traits';
import { hex } from './unit';

const MOST_LINES = 40;

const spelled = (line: string): string => {
  const word = /^\.word (0x[0-9a-f]+)$/.exec(line);
  if (!word) return line;
  const value = Number(word[1]);
  const pieces = (value & 3) === 3 ? [value] : [value & 0xffff, value >>> 16];
  const texts = pieces.map((piece) => disassembleWord(piece, 0n).text.replaceAll('\t', ' '));
  return `${line.padEnd(20)} # ${texts.join('; ')}`;
};

/** The line that each program printed about its end, by its number. */
export const results = (output: string): ReadonlyMap<number, string> =>
  new Map(
    output
      .split('\n')
      .filter((line) => line.startsWith('P'))
      .map((line) => [parseInt(line.slice(1, 17), 16), line]),
  );

/** The parts of the state in which outputs of one program differ; of one that did not come to its end, 'end'. */
export function differingParts(outputs: readonly string[]): string[] {
  const lines = outputs.map((output) => results(output).get(0)?.trim().split(' ').slice(1));
  if (lines.some((line) => line === undefined)) return new Set(lines).size > 1 ? ['end'] : [];
  return SUMMARY.filter((_, i) => new Set(lines.map((line) => line?.[i])).size > 1);
}

/** The program's lines, with what they may depend on. */
export function listing({ seed, traits, delegated, fcsr, floatState, rounds, registers, units }: Program): string {
  const set = registers
    .map((value, i) => [i < 32 ? `x${i}` : `f${i - 32}`, value] as const)
    .filter(([name, value]) => name !== 'x0' && name !== 'x2' && value !== 0n)
    .map(([name, value]) => `    # ${name} = ${hex(value)}`);
  const environment = [
    `    # processor ${processor(switchesFor(seed))}`,
    `    # executed ${rounds} times, mstatus.FS = ${floatState}, fcsr = ${hex(fcsr)}`,
    `    # mideleg = ${hex(delegated)}, menvcfg.STCE = ${Number(traits.comparesTime)}, menvcfg.PBMTE = ${Number(traits.memoryTypes)}`,
  ];
  const lines = units.flatMap((unit, i) => [`unit ${i}:`, ...unit.map((line) => `    ${spelled(line)}`)]);
  return [...environment, ...set, ...lines].join('\n');
}

/** A state as it was printed in full: the names of what there is with its values. */
function parse(output: string, { traits }: Program): Map<string, string> {
  const state = new Map<string, string>();
  const traps = output.split('\n').filter((line) => line.startsWith('T'));
  traps.forEach((line, i) => {
    const [cause, value, pc, status, slot] = line.slice(1).trim().split(' ');
    state.set(`trap ${i}`, `cause ${cause} tval ${value} pc ${pc} status ${status} handler ${slot}`);
  });
  const fields = (results(output).get(0) ?? '').slice(1).trim().split(' ').slice(1);
  const next = (): string => fields.shift() ?? '';
  for (let x = 1; x < 32; x++) state.set(`x${x}`, next());
  state.set(SUMMARY[0], next());
  for (const f of FLOATS) state.set(`f${f}`, next());
  state.set('fcsr', next());
  state.set(SUMMARY[1], next());
  for (const { name } of finalCsrs(traits.extensions)) state.set(name, next());
  state.set(SUMMARY[2], next());
  while (fields.length > 2) state.set(`memory at ${next()}`, next());
  return state;
}

/** The lines in which states differ; the outputs by who made them. */
export function differences(program: Program, outputs: ReadonlyMap<string, string>): string {
  const states = [...outputs].map(([who, output]) => [who, parse(output, program)] as const);
  const names = [...new Set(states.flatMap(([, state]) => [...state.keys()]))];
  const different = names.filter((name) => new Set(states.map(([, state]) => state.get(name))).size > 1);
  return different
    .slice(0, MOST_LINES)
    .flatMap((name) => [`${name}:`, ...states.map(([who, state]) => `    ${who.padEnd(12)} ${state.get(name) ?? '-'}`)])
    .join('\n');
}
