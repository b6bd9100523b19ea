/** readMemory, writeMemory, disassemble. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { Disassembler } from '../../debugger/disassembly';
import type { DisassemblyRow } from '../../debugger/disassembly';
import { DebuggerError } from '../../debugger/errors';
import type { Memory } from '../../debugger/values/place';
import { decodeBase64, encodeBase64 } from '../../protocol/base64';
import type { Connection } from '../connection';
import { formatReference, parseReference } from '../memory-reference';
import type { RequestHandlers } from '../request-handlers';
import { sourceOf } from './stack';

const PAGE = 4096;
const MOST_BYTES = 1 << 20;
const MOST_ROWS = 10_000;
const MOST_OFFSET = 100_000;
/** An address that no instruction has: clients hide rows with it, or sort them in front. */
const NOWHERE = '-1';

export const memoryRequests = {
  readMemory(connection, { memoryReference, offset = 0, count }) {
    const { memory, address, prefix } = resolve(connection, memoryReference, offset);
    const wanted = Math.max(0, Math.min(count, MOST_BYTES));
    const bytes = readable(memory, address, wanted);
    const shown = prefix + formatReference(address);
    if (bytes.length === wanted) return { address: shown, data: encodeBase64(bytes) };
    const gap = unreadable(memory, address + BigInt(bytes.length), wanted - bytes.length);
    return { address: shown, data: encodeBase64(bytes), unreadableBytes: gap };
  },

  writeMemory(connection, { memoryReference, offset = 0, data, allowPartial }) {
    const { memory, address } = resolve(connection, memoryReference, offset);
    const bytes = decode(data);
    const writable = allowPartial ? readable(memory, address, bytes.length).length : bytes.length;
    if (writable > 0 || !allowPartial) memory.write(address, bytes.subarray(0, writable));
    connection.changed({ reference: memoryReference, offset, count: writable });
    return { bytesWritten: writable };
  },

  disassemble(connection, args) {
    const { memoryReference, offset = 0, instructionOffset = 0, instructionCount } = args;
    const { address, kind } = parseReference(memoryReference);
    const target = connection.session.stopped?.target ?? connection.session.system.current;
    const disassembler = new Disassembler(target.memory(kind), connection.session.symbols);
    const start = BigInt.asUintN(64, address + BigInt(offset));
    const shift = Math.max(-MOST_OFFSET, Math.min(MOST_OFFSET, instructionOffset));
    const count = Math.max(0, Math.min(MOST_ROWS, instructionCount));
    let last: string | undefined;
    const instructions = disassembler.rows(start, shift, count).map((row) => {
      const instruction = instructionOf(connection, row, last);
      if (row.line) last = row.line.file;
      return instruction;
    });
    return { instructions };
  },
} satisfies Partial<RequestHandlers>;

function resolve(connection: Connection, reference: string, offset: number) {
  const { kind, address } = parseReference(reference);
  const target = connection.session.stopped?.target ?? connection.session.system.current;
  return {
    memory: target.memory(kind),
    address: BigInt.asUintN(64, address + BigInt(offset)),
    prefix: kind === 'gva' ? '' : `${kind}:`,
  };
}

/** The bytes that can be read from the address on, page by page. */
function readable(memory: Memory, address: bigint, count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  let done = 0;
  while (done < count) {
    const length = Math.min(count - done, untilPageEnd(address + BigInt(done)));
    const piece = memory.read(address + BigInt(done), length);
    if (!piece) break;
    bytes.set(piece, done);
    done += length;
  }
  return bytes.subarray(0, done);
}

/** How many bytes from the address on cannot be read. */
function unreadable(memory: Memory, address: bigint, count: number): number {
  let done = 0;
  while (done < count) {
    const length = Math.min(count - done, untilPageEnd(address + BigInt(done)));
    if (memory.read(address + BigInt(done), length)) break;
    done += length;
  }
  return done;
}

function untilPageEnd(address: bigint): number {
  return PAGE - Number(address & BigInt(PAGE - 1));
}

function decode(data: string): Uint8Array {
  try {
    return decodeBase64(data);
  } catch (error) {
    throw new DebuggerError((error as Error).message);
  }
}

function instructionOf(
  connection: Connection,
  row: DisassemblyRow,
  lastFile: string | undefined,
): DebugProtocol.DisassembledInstruction {
  const { address, bytes, text, label, line, isValid } = row;
  return {
    address: address === undefined ? NOWHERE : formatReference(address),
    instruction: isValid ? text : '(cannot be read)',
    ...(bytes ? { instructionBytes: [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ') } : {}),
    ...(label === undefined ? {} : { symbol: label }),
    ...(line && line.file !== lastFile ? { location: sourceOf(connection, line.file) } : {}),
    ...(line ? { line: connection.conventions.lineToClient(line.line) } : {}),
    ...(isValid ? {} : { presentationHint: 'invalid' as const }),
  };
}
