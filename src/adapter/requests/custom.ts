/** Our own requests: page tables, consoles, statistics. */
import { DebuggerError } from '../../debugger/errors';
import { decodeBase64 } from '../../protocol/base64';
import { statisticsOf } from '../exit-statistics';
import { describeNode } from '../page-table-text';
import type { RequestHandlers } from '../request-handlers';

export const customRequests = {
  'hypocaust/pageTable'({ session }, args) {
    return { nodes: session.system.pageTables.children(args?.node).map((node) => describeNode(node)) };
  },

  'hypocaust/consoles'(connection) {
    return { consoles: connection.consoles.list(connection.session.system.consoles) };
  },

  'hypocaust/consoleInput'({ session }, { console, data }) {
    let bytes: Uint8Array;
    try {
      bytes = decodeBase64(data);
    } catch (error) {
      throw new DebuggerError((error as Error).message);
    }
    if (!session.input(console, bytes)) throw new DebuggerError(`There is no console "${console}".`);
    return undefined;
  },

  'hypocaust/statistics'(connection) {
    return statisticsOf(connection);
  },
} satisfies Partial<RequestHandlers>;
