/** A stop in words: a title for the user interface, a sentence, and the details down to the bit. */
import { describeExitKind } from '../../hypervisor/exit-record';
import { causeById } from '../../isa/causes';
import { Disassembler } from '../disassembly';
import { hex } from '../format';
import type { Stop } from '../stop';
import type { SymbolSpace } from '../symbol-space';
import type { TrapNotice } from '../systems/system';
import type { Target } from '../target';
import { describeExit } from './describe-exit';
import { explainStale, STALE_TITLE, staleDetails } from './explain-stale';
import { accessOfCause, describeCall, explainIllegal, explainMisaligned } from './explain-cause';

export interface StopExplanation {
  /** A few words: `Load page fault`, `csrWrite satp`. */
  readonly title: string;
  /** One or two sentences. */
  readonly text: string;
  /** Line by line, everything known. */
  readonly details: readonly string[];
}

export function explainStop(stop: Stop, symbols: SymbolSpace): StopExplanation {
  const { reason, target } = stop;
  const place = placeOf(target, symbols);
  switch (reason.kind) {
    case 'entry':
      return { title: 'Entry', text: `Before the first instruction, ${place}.`, details: [] };
    case 'pause':
      return reason.isIdle
        ? { title: 'Paused', text: `The guest waits for an interrupt (wfi), ${place}.`, details: [] }
        : { title: 'Paused', text: `Paused ${place}.`, details: [] };
    case 'step':
      return { title: 'Step', text: `Stepped to ${place.replace(/^at /, '')}.`, details: [] };
    case 'breakpoint':
      return { title: 'Breakpoint', text: reason.problem ?? `Breakpoint ${place}.`, details: [] };
    case 'data': {
      const text = [reason.problem, reason.text].filter(Boolean).join(' ');
      return { title: reason.title, text, details: [`The instruction that did it is done; next is the one ${place}.`] };
    }
    case 'trap':
      return explainTrap(reason.trap, symbols, reason.problem);
    case 'event': {
      const kind = describeExitKind(reason.record.kind);
      const title = `hypervisor.${describeExit(reason.record)}`;
      const text = `${reason.problem ? `${reason.problem} ` : ''}${kind?.description ?? ''} It is decided and not done yet.`;
      return { title, text, details: [`The guest stands ${place}, in ${target.mode}.`] };
    }
    case 'failure':
      return {
        title: 'Internal error',
        text: 'Something went wrong in the machine or the debugger itself; please report it.',
        details: reason.text.split('\n'),
      };
    case 'staleTranslation':
      return {
        title: STALE_TITLE,
        text: explainStale(reason.record, symbols),
        details: [...staleDetails(reason.record), `The guest stands ${place}, in ${target.mode}.`],
      };
    case 'trapLoop':
      return {
        title: 'Endless traps',
        text:
          `The guest's trap handler at ${hex(reason.address)} traps itself at its first instruction (${reason.cause}), ` +
          'so the guest traps for ever. Its trap vector is wrong, or its page table does not map the handler.',
        details: target.translate(reason.address, 'fetch').lines,
      };
  }
}

function placeOf(target: Target, symbols: SymbolSpace): string {
  const memory = target.memory('gva');
  const name = symbols.nameOf(target.pc, memory);
  const line = symbols.lineAt(target.pc, memory);
  const source = line ? ` (${line.file.split('/').pop()}:${line.line})` : '';
  return `at ${hex(target.pc)}${name ? ` in ${name}` : ''}${source}`;
}

function explainTrap(trap: TrapNotice, symbols: SymbolSpace, problem: string | undefined): StopExplanation {
  const { target, code, interrupt, tval, pc } = trap;
  const cause = trap.cause === undefined ? undefined : causeById(trap.cause);
  const details: string[] = [];
  const instruction = new Disassembler(target.memory('gva'), symbols).textAt(pc);
  if (instruction !== undefined) details.push(`Instruction: ${instruction}, in ${target.mode}.`);
  else details.push(`There is no instruction to read ${placeOf(target, symbols)}, in ${target.mode}.`);
  const access = interrupt ? undefined : accessOfCause(code);
  const misaligned = interrupt ? undefined : explainMisaligned(code, tval);
  let sentence = cause?.summary ?? '';
  if (access) {
    const { lines } = target.translate(tval, access);
    // The first line says, down to the bit, why; it is what the user wants to read first.
    sentence = lines[0] ?? sentence;
    details.push(...lines.slice(1));
  }
  const illegal = trap.cause === 'illegal-instruction' && !trap.record ? explainIllegal(target, pc) : undefined;
  if (illegal) sentence = illegal;
  if (misaligned) sentence = misaligned;
  if (trap.cause?.endsWith('-ecall')) details.push(describeCall(target));
  if (trap.record?.kind === 'inject') {
    const { reason, handler } = trap.record;
    if (reason && reason !== sentence && !details.includes(reason)) details.push(reason);
    const name = symbols.nameOf(handler, target.memory('gva'));
    details.push(
      `When execution goes on, the guest gets the trap: its handler is at ${hex(handler)}${name ? ` (${name})` : ''}.`,
    );
    if (reason && !access) sentence = reason;
  }
  if (!interrupt && !access && tval !== 0n) details.push(`stval: ${hex(tval)}.`);
  const where = interrupt
    ? `Before the instruction ${placeOf(target, symbols)}.`
    : `At ${placeOf(target, symbols).slice(3)}.`;
  const text = [problem, sentence, where].filter(Boolean).join(' ');
  return { title: trap.name, text, details };
}
