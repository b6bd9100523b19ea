/** Which VM exits a user asks for, in words: `20 csrWrite`, `satp`, `Load page fault`, `at trap_entry`. */
import { EXIT_KINDS } from '../../hypervisor/exit-record';
import type { ExitKind } from '../../hypervisor/exit-record';
import type { ExitFilter } from '../../hypervisor/insight/exit-log';
import type { ExitRecorder } from '../../hypervisor/insight/exit-recorder';
import { DebuggerError } from '../errors';

export interface ExitQuery {
  readonly most: number;
  readonly filter: ExitFilter;
}

const MOST = 20;

/**
 * @param evaluate gives the address that stands behind `at`
 * @throws DebuggerError when a word is neither a number, a kind, a guest, nor what some exit was about
 */
export function parseExitQuery(
  text: string,
  recorder: ExitRecorder,
  evaluate: (expression: string) => bigint,
): ExitQuery {
  const [words, place] = text.split(/(?:^|\s)at\s+(.*)$/s);
  let most = MOST;
  let guest: string | undefined;
  const phrase: string[] = [];
  for (const word of (words ?? '').split(/\s+/).filter(Boolean)) {
    if (/^\d{1,9}$/.test(word)) most = Number(word);
    else if (recorder.guests.some((one) => one.guest === word)) guest = word;
    else phrase.push(word);
  }
  // "Illegal instruction" is a trap, although "illegal" alone is a kind.
  let subject = findSubject(phrase, recorder);
  const kinds = new Set<ExitKind>();
  if (subject === undefined) {
    const others = phrase.filter((word) => {
      const kind = kindNamed(word);
      if (kind) kinds.add(kind);
      return kind === undefined;
    });
    subject = findSubject(others, recorder);
    if (others.length > 0 && subject === undefined) throw unknown(others.join(' '));
  }
  return {
    most,
    filter: {
      ...(guest !== undefined && { guest }),
      ...(kinds.size > 0 && { kinds }),
      ...(subject !== undefined && { subject }),
      ...(place !== undefined && { pc: evaluate(place) }),
    },
  };
}

/** The kind of this name, whatever its case. */
export function kindNamed(name: string): ExitKind | undefined {
  return EXIT_KINDS.find(({ kind }) => kind.toLowerCase() === name.toLowerCase())?.kind;
}

/** What some exit was about, by its words, whatever their case. */
function findSubject(words: readonly string[], recorder: ExitRecorder): string | undefined {
  const wanted = words.join(' ').toLowerCase();
  for (const { kinds } of recorder.guests) {
    for (const { subjects } of kinds) {
      for (const name of subjects.keys()) if (name.toLowerCase() === wanted) return name;
    }
  }
  return undefined;
}

function unknown(words: string): DebuggerError {
  return new DebuggerError(
    `No VM exit was about "${words}". Say a number, a kind (${EXIT_KINDS.map(({ kind }) => kind).join(', ')}), a CSR, ` +
      'an SBI call, a trap or a device, or at ADDRESS.',
  );
}
