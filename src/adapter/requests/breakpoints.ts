/** Breakpoints of all kinds, and what an exception stop was about. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Breakpoint, ExceptionRequest } from '../../debugger/breakpoints/breakpoint';
import { DebuggerError } from '../../debugger/errors';
import { offerAddress, offerExpression, offerNode } from '../../debugger/inspection/data-offers';
import type { DataOffer } from '../../debugger/inspection/data-offers';
import { toProtocolBreakpoint } from '../breakpoint-mapping';
import type { Connection } from '../connection';
import { parseReference } from '../memory-reference';
import type { RequestHandlers } from '../request-handlers';

export const breakpointRequests = {
  setBreakpoints(connection, { source, breakpoints = [] }) {
    const { conventions, sources, session } = connection;
    const path = conventions.pathFromClient(source.path ?? '');
    const requests = breakpoints.map(({ line, condition, hitCondition, logMessage }) => ({
      line: conventions.lineFromClient(line),
      ...guardOptions({ condition, hitCondition, logMessage }),
    }));
    return answer(
      connection,
      session.breakpoints.setSource(path, () => sources.namesOf(path), requests),
    );
  },

  setFunctionBreakpoints(connection, { breakpoints }) {
    const requests = breakpoints.map(({ name, condition, hitCondition }) => ({
      name,
      ...guardOptions({ condition, hitCondition }),
    }));
    return answer(connection, connection.session.breakpoints.setFunctions(requests));
  },

  setInstructionBreakpoints(connection, { breakpoints }) {
    const requests = breakpoints.map(({ instructionReference, offset = 0, condition, hitCondition }) => ({
      address: BigInt.asUintN(64, parseReference(instructionReference).address + BigInt(offset)),
      ...guardOptions({ condition, hitCondition }),
    }));
    return answer(connection, connection.session.breakpoints.setInstructions(requests));
  },

  dataBreakpointInfo(connection, args) {
    const { id, description, isLasting } = offerFor(connection, args);
    // Clients tell the description to nobody who has typed an address, but do tell an error.
    if (id === undefined && args.asAddress) throw new DebuggerError(description);
    if (id === undefined) return { dataId: null, description };
    return { dataId: id, description, accessTypes: ['read', 'write', 'readWrite'], canPersist: isLasting };
  },

  setDataBreakpoints(connection, { breakpoints }) {
    const requests = breakpoints.map(({ dataId, accessType = 'write', condition, hitCondition }) => ({
      id: dataId,
      access: accessType,
      ...guardOptions({ condition, hitCondition }),
    }));
    return answer(connection, connection.session.breakpoints.setData(requests));
  },

  setExceptionBreakpoints(connection, { filters, filterOptions = [] }) {
    const requests: ExceptionRequest[] = [
      ...filters.map((cause) => ({ cause })),
      ...filterOptions.map(({ filterId, condition }) => ({
        cause: filterId,
        ...(condition === undefined ? {} : { condition }),
      })),
    ];
    const problems = connection.session.breakpoints.setExceptions(requests);
    return {
      breakpoints: problems.map((problem) =>
        problem === undefined ? { verified: true } : { verified: false, message: problem },
      ),
    };
  },

  breakpointLocations(connection, { source, line, endLine }) {
    const { conventions, sources, session } = connection;
    const path = conventions.pathFromClient(source.path ?? '');
    const first = conventions.lineFromClient(line);
    const last = conventions.lineFromClient(endLine ?? line);
    const lines = new Set<number>();
    for (const { file } of session.symbols.modules) {
      for (const name of sources.namesOf(path)) for (const found of file.linesIn(name, first, last)) lines.add(found);
    }
    return {
      breakpoints: [...lines].sort((a, b) => a - b).map((found) => ({ line: conventions.lineToClient(found) })),
    };
  },

  exceptionInfo({ session }) {
    const stop = session.stopped;
    if (!stop) throw new DebuggerError('The guest is running.');
    const { title, text, details } = session.explain(stop);
    const { reason } = stop;
    const id = reason.kind === 'trap' ? (reason.trap.cause ?? `cause-${reason.trap.code}`) : reason.kind;
    return {
      exceptionId: title,
      description: text,
      breakMode: 'always' as const,
      details: { typeName: id, message: text, stackTrace: details.join('\n') },
    };
  },
} satisfies Partial<RequestHandlers>;

/** What an address without a number of bytes means: a doubleword. */
const DEFAULT_BYTES = 8;

function offerFor(
  connection: Connection,
  { variablesReference, name, frameId, bytes, asAddress }: DebugProtocol.DataBreakpointInfoArguments,
): DataOffer {
  const { session } = connection;
  if (variablesReference) {
    const { node, frame } = connection.references.child(variablesReference, name);
    return offerNode(session, frame, node, bytes);
  }
  if (asAddress) {
    const { kind, address } = parseReference(name);
    return offerAddress(session, kind, address, bytes ?? DEFAULT_BYTES);
  }
  return offerExpression(session, connection.optionalFrame(frameId), name, bytes);
}

interface WrittenGuard {
  readonly condition?: string | undefined;
  readonly hitCondition?: string | undefined;
  readonly logMessage?: string | undefined;
}

/** Only what the client wrote. */
function guardOptions(written: WrittenGuard): { condition?: string; hitCondition?: string; logMessage?: string } {
  return Object.fromEntries(Object.entries(written).filter(([, value]) => value !== undefined));
}

function answer(connection: Connection, breakpoints: readonly Breakpoint[]) {
  return { breakpoints: breakpoints.map((breakpoint) => toProtocolBreakpoint(breakpoint, connection.conventions)) };
}
