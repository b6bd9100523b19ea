/** stackTrace, scopes. */
import { basename } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { scopesOf } from '../../debugger/inspection/scopes';
import type { Scope } from '../../debugger/inspection/scopes';
import type { Frame } from '../../debugger/stack';
import { DECIMAL, namedChildren } from '../../debugger/values/value-node';
import type { Connection } from '../connection';
import { formatReference } from '../memory-reference';
import type { RequestHandlers } from '../request-handlers';

/** Frames given when the client asks for all: a stack without end must not be given whole. */
const MOST_LEVELS = 1000;

const HINTS: Partial<Record<Scope['kind'], string>> = {
  arguments: 'arguments',
  locals: 'locals',
  registers: 'registers',
};

export const stackRequests = {
  stackTrace(connection, { threadId, startFrame = 0, levels }) {
    const stack = connection.session.stack(connection.target(threadId));
    const frames = stack.frames(startFrame, levels && levels > 0 ? Math.min(levels, MOST_LEVELS) : MOST_LEVELS);
    const known = startFrame + frames.length;
    return {
      stackFrames: frames.map((frame) => protocolFrame(connection, frame)),
      // One more than known while there are more: the client asks again.
      totalFrames: stack.total ?? known + 1,
    };
  },

  scopes(connection, { frameId }) {
    const frame = connection.frame(frameId);
    return {
      scopes: scopesOf(connection.session, frame, DECIMAL).map((scope) => protocolScope(connection, frame, scope)),
    };
  },
} satisfies Partial<RequestHandlers>;

function protocolFrame(connection: Connection, frame: Frame): DebugProtocol.StackFrame {
  const id = connection.references.addFrame(frame);
  const { conventions } = connection;
  if (frame.kind === 'hypervisor') return { id, name: frame.name, line: 0, column: 0, presentationHint: 'label' };
  const { name, position, pc } = frame;
  const source = position && sourceOf(connection, position.file);
  return {
    id,
    name,
    line: position ? conventions.lineToClient(position.line) : 0,
    column: position ? conventions.columnToClient(Math.max(1, position.column)) : 0,
    ...(source ? { source } : {}),
    instructionPointerReference: formatReference(pc),
    ...(position ? {} : { presentationHint: 'subtle' as const }),
  };
}

/** The source of a file that the debug information names. */
export function sourceOf(connection: Connection, file: string): DebugProtocol.Source {
  const { sources, conventions } = connection;
  const isThere = sources.locate(file) !== undefined;
  return {
    name: basename(file),
    path: conventions.pathToClient(sources.pathFor(file)),
    ...(isThere ? {} : { presentationHint: 'deemphasize' as const }),
  };
}

function protocolScope(connection: Connection, frame: Frame, scope: Scope): DebugProtocol.Scope {
  const hint = HINTS[scope.kind];
  return {
    name: scope.title,
    variablesReference: connection.references.add(
      namedChildren(() => scope.nodes()),
      frame,
    ),
    expensive: scope.isExpensive,
    ...(hint === undefined ? {} : { presentationHint: hint }),
  };
}
