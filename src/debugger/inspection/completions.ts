/** What can be typed in the debug console: commands, variables, registers, CSRs, fields of the VM exit, functions. */
import { exitFields } from '../../hypervisor/exit-record';
import { registerNames } from '../../isa/registers';
import type { Session } from '../session';
import type { Frame } from '../stack';
import { COMMANDS } from './console-commands';
import { environmentOf } from './scopes';

export interface Completion {
  readonly text: string;
  readonly kind: 'command' | 'variable' | 'register' | 'field' | 'function';
}

const MOST_COMPLETIONS = 200;

/** Names that begin with `prefix`; those of the frame first. */
export function completionsFor(session: Session, frame: Frame | undefined, prefix: string): readonly Completion[] {
  const found: Completion[] = [];
  const seen = new Set<string>();
  const wanted = prefix.replace(/^\$/, '');
  for (const completion of candidates(session, frame, prefix.startsWith('$'))) {
    if (!completion.text.startsWith(wanted) || seen.has(completion.text)) continue;
    seen.add(completion.text);
    found.push(completion);
    if (found.length >= MOST_COMPLETIONS) break;
  }
  return found;
}

function* candidates(session: Session, frame: Frame | undefined, onlyProcessor: boolean): Generator<Completion> {
  const target = frame?.target ?? session.system.current;
  if (!onlyProcessor) {
    for (const { name } of environmentOf(session, frame).variables()) yield { text: name, kind: 'variable' };
    for (const name of Object.keys(COMMANDS)) yield { text: name, kind: 'command' };
    const record = session.system.pending?.record;
    if (record) for (const { name } of exitFields(record.kind)) yield { text: name, kind: 'field' };
  }
  for (const text of ['pc', ...registerNames]) yield { text, kind: 'register' };
  for (const set of target.csrSets) {
    const front = set.kind === 'host' ? 'host_' : '';
    for (const { description } of set.list()) yield { text: front + description.name, kind: 'register' };
  }
  if (onlyProcessor) return;
  for (const { file } of session.symbols.modules) {
    for (const { name } of file.globals()) yield { text: name, kind: 'variable' };
    for (const { name } of file.allFunctions()) yield { text: name, kind: 'function' };
  }
}
