/** Evaluates what a user types: watches, hovers, the console, and assignments. */
import { DebuggerError } from '../errors';
import { describeValue } from '../expressions/describe-value';
import { evaluate, integerOf } from '../expressions/evaluate';
import type { Value } from '../expressions/evaluate';
import type { Session } from '../session';
import type { Frame } from '../stack';
import { storeInteger } from '../values/datum';
import { datumNode } from '../values/datum-node';
import type { Presentation, ValueNode } from '../values/value-node';
import { datumContext, environmentOf } from './scopes';

/** @throws DebuggerError in one sentence */
export function evaluateInFrame(
  session: Session,
  frame: Frame | undefined,
  source: string,
  presentation: Presentation,
): ValueNode {
  const value = evaluate(source, environmentOf(session, frame));
  return nodeOf(session, frame, source, value, presentation);
}

/** The number that an expression gives, for changing something to it. @throws DebuggerError */
export function numberInFrame(session: Session, frame: Frame | undefined, source: string): bigint {
  return integerOf(evaluate(source, environmentOf(session, frame)));
}

/** Changes what one expression names to what another gives. @throws DebuggerError */
export function assignInFrame(
  session: Session,
  frame: Frame | undefined,
  target: string,
  source: string,
  presentation: Presentation,
): ValueNode {
  const number = numberInFrame(session, frame, source);
  const value = evaluate(target, environmentOf(session, frame));
  if (value.kind === 'data') storeInteger(value.datum, number);
  else if (value.kind === 'integer' && value.assign) value.assign(number);
  else throw new DebuggerError(`"${target}" cannot be changed: it is not a variable, register, CSR or memory.`);
  session.changed();
  return evaluateInFrame(session, freshFrame(session, frame), target, presentation);
}

/** The frame as it is after a change, which may have moved the stack. */
function freshFrame(session: Session, frame: Frame | undefined): Frame | undefined {
  return frame && session.stack(frame.target).frames(frame.index, 1)[0];
}

function nodeOf(
  session: Session,
  frame: Frame | undefined,
  source: string,
  value: Value,
  presentation: Presentation,
): ValueNode {
  const context = datumContext(session, frame ?? session.stack(session.system.current).innermost, presentation);
  if (value.kind === 'data') return datumNode(source, value.datum, context, source);
  const own = value.kind === 'integer' ? value.node?.() : undefined;
  if (own) return { ...own, name: source };
  const address = value.kind === 'integer' && value.value >= 0n ? { address: value.value } : {};
  return { name: source, text: describeValue(value, context), type: value.kind, expression: source, ...address };
}
