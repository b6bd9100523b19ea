/**
 * A server of the protocol 9P2000.L: it answers a guest's messages about one shared folder.
 * Specification: the 9P2000.L protocol as diod's `protocol.md` describes it, and Linux's include/net/9p/9p.h for numbers. The
 * guest resolves symbolic links itself; here none is ever followed. Links, devices, extended attributes and locks cannot be
 * made in a shared folder.
 */
import type { StateTransfer } from '../../../../engine/state-transfer';
import type { SharedFolder } from './file-system';
import { ERRNO, FileError } from './file-system';
import { Fids } from './fids';
import { HANDLERS } from './handlers';
import { HEADER_SIZE, MessageReader, MessageWriter } from './message';

const VERSION = '9P2000.L';
const T_VERSION = 100;
const R_ERROR = 7;
const NO_TAG = 0xffff;

/** The largest message; the guest may choose less. */
export const LARGEST_MESSAGE = 512 * 1024;
const LEAST_MESSAGE = 4096;

export class Server {
  readonly fids = new Fids();
  /** Bytes in a message, as agreed. */
  messageSize = LARGEST_MESSAGE;

  constructor(readonly folder: SharedFolder) {}

  /** The guest begins anew. */
  reset(): void {
    this.fids.clear();
    this.messageSize = LARGEST_MESSAGE;
  }

  /** Opened files are opened anew; one that is gone meanwhile is an error when it is used. */
  transferState(state: StateTransfer): void {
    this.messageSize = state.integer(this.messageSize, LARGEST_MESSAGE);
    this.fids.transferState(state, this.folder);
  }

  /**
   * Answers a message.
   * @param message with its header; whole
   * @param room bytes that the answer may have, at least 11
   */
  answer(message: Uint8Array, room: number): Uint8Array {
    const type = message[4];
    const tag = message[5] | (message[6] << 8);
    try {
      const reader = new MessageReader(message);
      const answer = new MessageWriter();
      if (type === T_VERSION) this.agree(reader, answer);
      else this.handle(type, reader, answer, Math.min(room, this.messageSize));
      if (answer.length + HEADER_SIZE > room) throw new FileError('EPROTO');
      return frame(type + 1, tag, answer.bytes);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      return frame(R_ERROR, tag, new MessageWriter().u32(ERRNO[error.code]).bytes);
    }
  }

  private handle(type: number, reader: MessageReader, answer: MessageWriter, room: number): void {
    const handler = HANDLERS[type];
    if (!handler) throw new FileError('EOPNOTSUPP');
    if (handler.writes && !this.folder.writable) throw new FileError('EROFS');
    handler.perform(this, reader, answer, room - HEADER_SIZE);
  }

  /** The guest begins, and says how it speaks. */
  private agree(reader: MessageReader, answer: MessageWriter): void {
    const size = reader.u32();
    const version = reader.text();
    if (size < LEAST_MESSAGE) throw new FileError('EPROTO');
    this.reset();
    this.messageSize = Math.min(size, LARGEST_MESSAGE);
    answer.u32(this.messageSize).text(version === VERSION ? VERSION : 'unknown');
  }
}

function frame(type: number, tag: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_SIZE + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint8(4, type);
  view.setUint16(5, tag & NO_TAG, true);
  bytes.set(body, HEADER_SIZE);
  return bytes;
}
