/** threads, continue, next, stepIn, stepOut, pause. */
import type { Granularity, StepKind } from '../../debugger/stepping/step-plans';
import type { Connection } from '../connection';
import { threadName } from '../guest-states';
import type { RequestHandlers } from '../request-handlers';

export const executionRequests = {
  threads(connection) {
    return { threads: connection.session.targets.map((target) => ({ id: target.id, name: threadName(target) })) };
  },

  continue(connection) {
    connection.session.continue();
    connection.references.clear();
    return { allThreadsContinued: true };
  },

  next: (connection, { threadId, granularity }) => step(connection, threadId, 'over', granularity),
  stepIn: (connection, { threadId, granularity }) => step(connection, threadId, 'into', granularity),
  stepOut: (connection, { threadId, granularity }) => step(connection, threadId, 'out', granularity),

  pause(connection) {
    connection.session.pause();
  },
} satisfies Partial<RequestHandlers>;

function step(connection: Connection, threadId: number, kind: StepKind, granularity: string | undefined): void {
  // The protocol's statement is our line.
  const size: Granularity = granularity === 'instruction' ? 'instruction' : 'line';
  connection.session.step(connection.target(threadId), kind, size);
  connection.references.clear();
}
