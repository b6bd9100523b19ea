/** Our own requests about addresses: why an access fails, and what an address is elsewhere. */
import { DebuggerError } from '../../debugger/errors';
import { explainAccess, lastFault } from '../../debugger/explain/why';
import { ADDRESS_KINDS } from '../../debugger/target';
import type { Target } from '../../debugger/target';
import { translateAddress } from '../../debugger/translate-address';
import type { AccessWord } from '../../protocol/explanation';
import { explainResponse, translateResponse } from '../access-records';
import type { Connection } from '../connection';
import type { RequestHandlers } from '../request-handlers';

const ACCESSES: readonly AccessWord[] = ['load', 'store', 'fetch'];

export const explainRequests = {
  'hypocaust/explain'(connection, { threadId, address, access }) {
    const target = stoppedTarget(connection, threadId);
    const { session } = connection;
    const asked =
      address === undefined
        ? lastFault(session, target)
        : { address: parseAddress(address), access: parseAccess(access) };
    return explainResponse(explainAccess(session, target, asked));
  },

  'hypocaust/translate'(connection, { threadId, kind, address, access }) {
    const target = stoppedTarget(connection, threadId);
    if (!ADDRESS_KINDS.includes(kind))
      throw new DebuggerError(`"${String(kind)}" is no kind of address: gva, gpa or hpa.`);
    const found = translateAddress(connection.session, target, kind, parseAddress(address), parseAccess(access));
    return translateResponse(found);
  },
} satisfies Partial<RequestHandlers>;

function stoppedTarget(connection: Connection, threadId: number | undefined): Target {
  const { session } = connection;
  if (session.state !== 'paused') throw new DebuggerError('The guest is running; pause it first.');
  return threadId === undefined ? (session.stopped?.target ?? session.system.current) : connection.target(threadId);
}

function parseAddress(text: string): bigint {
  if (/^0x[0-9a-f]{1,16}$/i.test(text)) return BigInt(text);
  throw new DebuggerError(`"${text}" is no address; write it in hexadecimal, such as 0x80200000.`);
}

function parseAccess(word: AccessWord = 'load'): AccessWord {
  if (ACCESSES.includes(word)) return word;
  throw new DebuggerError(`"${String(word)}" is no access; there are load, store and fetch.`);
}
