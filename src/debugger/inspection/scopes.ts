/** What a frame shows: its variables, the registers and CSRs, and the VM exit that is about to be carried out. */
import { isImplemented } from '../../isa/extensions';
import { TargetEnvironment } from '../environment';
import type { Session } from '../session';
import type { CodeFrame, Frame } from '../stack';
import { csrNodes } from '../values/csr-nodes';
import { datumNode } from '../values/datum-node';
import type { DatumContext } from '../values/datum-node';
import { recordNodes } from '../values/record-nodes';
import { floatRegisterNodes, registerNodes } from '../values/register-nodes';
import type { Presentation, ValueNode } from '../values/value-node';

export type ScopeKind = 'exit' | 'arguments' | 'locals' | 'registers' | 'float-registers' | 'csrs';

export interface Scope {
  readonly kind: ScopeKind;
  readonly title: string;
  /** Costs more to read than users want to pay at every step. */
  readonly isExpensive: boolean;
  nodes(): readonly ValueNode[];
}

/** How values of a target are shown: its memory, its symbols. */
export function datumContext(session: Session, frame: Frame, presentation: Presentation): DatumContext {
  const memory = frame.target.memory('gva');
  return { memory, presentation, nameOf: (address) => session.symbols.nameOf(address, memory) };
}

/** The names that expressions can use in a frame; without one, at the target that stopped. */
export function environmentOf(session: Session, frame: Frame | undefined): TargetEnvironment {
  const target = frame?.target ?? session.system.current;
  const pending = session.system.pending;
  const record = pending?.target === target ? pending.record : undefined;
  const code = frame?.kind === 'code' ? frame : session.stack(target).innermost;
  return new TargetEnvironment(target, session.symbols, code, record);
}

export function scopesOf(session: Session, frame: Frame, presentation: Presentation): readonly Scope[] {
  const context = datumContext(session, frame, presentation);
  const { target } = frame;
  const scopes: Scope[] = [];
  if (frame.kind === 'hypervisor') {
    const { record } = frame;
    scopes.push(scope('exit', 'VM Exit', () => recordNodes(record, context.nameOf)));
  } else if (frame.module) {
    const { module } = frame;
    const nodes = (wanted: 'parameter' | 'local'): ValueNode[] => {
      const environment = environmentOf(session, current(session, frame));
      return environment
        .variables()
        .filter(({ kind }) => kind === wanted)
        .map((variable) => datumNode(variable.name, environment.datum(variable, module), context, variable.name));
    };
    const hasParameters = environmentOf(session, frame)
      .variables()
      .some(({ kind }) => kind === 'parameter');
    if (hasParameters) scopes.push(scope('arguments', 'Arguments', () => nodes('parameter')));
    scopes.push(scope('locals', 'Locals', () => nodes('local')));
  }
  scopes.push(scope('registers', 'Registers', () => registerNodes(codeFrame(session, frame), context.nameOf)));
  if (isImplemented('F')) {
    scopes.push(
      scope('float-registers', 'Floating-Point Registers', () => floatRegisterNodes(codeFrame(session, frame))),
    );
  }
  for (const set of target.csrSets) scopes.push(scope('csrs', set.title, () => csrNodes(set)));
  return scopes;
}

/** The frame as it is now: the user may have changed registers since it was unwound. */
function current(session: Session, frame: Frame): Frame {
  return session.stack(frame.target).frames(frame.index, 1)[0] ?? frame;
}

/** The frame whose registers are shown: for the hypervisor's frame, the guest's. */
function codeFrame(session: Session, frame: Frame): CodeFrame {
  const now = current(session, frame);
  return now.kind === 'code' ? now : session.stack(frame.target).innermost;
}

function scope(kind: ScopeKind, title: string, nodes: () => readonly ValueNode[]): Scope {
  return { kind, title, isExpensive: false, nodes };
}
