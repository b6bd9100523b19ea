/** Our own requests: page tables, consoles, guests, statistics. */
import { DebuggerError } from '../../debugger/errors';
import { decodeBase64 } from '../../protocol/base64';
import { statisticsOf } from '../exit-statistics';
import { guestsOf } from '../guest-states';
import { describeNode } from '../page-table-text';
import type { RequestHandlers } from '../request-handlers';

const MOST_CHARACTERS = 0xffff;

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
    session.input(console, bytes);
    return undefined;
  },

  'hypocaust/consoleSize'({ session }, { console, columns, rows }) {
    for (const size of [columns, rows]) {
      if (Number.isInteger(size) && size >= 0 && size <= MOST_CHARACTERS) continue;
      throw new DebuggerError(`A console has 0 to ${MOST_CHARACTERS} columns and rows.`);
    }
    session.resize(console, columns, rows);
    return undefined;
  },

  'hypocaust/hold'({ session }, { guest, hold }) {
    session.hold(guest, hold);
    return guestsOf(session);
  },

  'hypocaust/statistics'(connection) {
    return statisticsOf(connection);
  },
} satisfies Partial<RequestHandlers>;
