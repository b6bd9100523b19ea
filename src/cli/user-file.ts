/** Files that the user named, with errors a user can act on. */
import { closeSync, fstatSync, openSync, read, readFileSync, readSync } from 'node:fs';
import type { Contents } from '../engine/physical-memory';

/** Enough to tell what a file is. */
const HEAD_BYTES = 64;
/** Threads of Node.js read as many bytes each, several at the same time. */
const PIECE_BYTES = 8 << 20;
const SHORTER = 'it became shorter while it was read';

/** What `UserFile` has begun to write. */
let begun: Promise<void>[] = [];

/** A file that cannot be used; the message names it. */
export class FileError extends Error {
  override readonly name = 'FileError';
}

/** The bytes of a file that the user named. @throws FileError */
export function readUserFile(path: string, what: string): Uint8Array {
  return attempt(path, what, () => readFileSync(path));
}

/** Waits until all files are where they are wanted. @throws FileError */
export async function finishReading(): Promise<void> {
  const all = begun;
  begun = [];
  await Promise.all(all);
}

/**
 * A file whose first bytes are there. The others go to where they are wanted, without being anywhere else before, and while the
 * program does other things: `finishReading` tells when they are there.
 */
export class UserFile implements Contents {
  readonly length: number;
  /** The first 64 bytes, or all if there are fewer. */
  readonly head: Uint8Array;
  /** All of them, of what can be read but once, such as a pipe. */
  private readonly read: Uint8Array | undefined;

  /** @throws FileError */
  constructor(
    private readonly path: string,
    private readonly what: string,
  ) {
    [this.length, this.head, this.read] = attempt(path, what, () => {
      const file = openSync(path, 'r');
      try {
        return beginning(file);
      } finally {
        closeSync(file);
      }
    });
  }

  /** All bytes. @throws FileError */
  bytes(): Uint8Array {
    return this.read ?? readUserFile(this.path, this.what);
  }

  writeTo(to: Uint8Array): void {
    if (this.read) {
      to.set(this.read);
      return;
    }
    const done = this.fillLater(to);
    // Whoever waits for it hears of it.
    done.catch(() => undefined);
    begun.push(done);
  }

  private async fillLater(to: Uint8Array): Promise<void> {
    const { path, what } = this;
    const file = attempt(path, what, () => openSync(path, 'r'));
    const pieces: Promise<void>[] = [];
    for (let start = 0; start < to.length; start += PIECE_BYTES) {
      pieces.push(readPiece(file, to.subarray(start, start + PIECE_BYTES), start));
    }
    const results = await Promise.allSettled(pieces);
    closeSync(file);
    for (const result of results) if (result.status === 'rejected') throw fileError(path, what, result.reason as Error);
  }
}

/** A file's length and first bytes; and all of them, if they can be read but once. */
function beginning(file: number): [length: number, head: Uint8Array, all: Uint8Array | undefined] {
  const status = fstatSync(file);
  if (status.isFile() && status.size >= HEAD_BYTES) {
    const head = new Uint8Array(HEAD_BYTES);
    if (readSync(file, head, 0, HEAD_BYTES, 0) < HEAD_BYTES) throw new Error(SHORTER);
    return [status.size, head, undefined];
  }
  const bytes = readFileSync(file);
  return [bytes.length, bytes.subarray(0, HEAD_BYTES), bytes];
}

async function readPiece(file: number, to: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < to.length;) {
    const count = await new Promise<number>((resolve, reject) => {
      const heard = (error: Error | null, bytes: number) => (error ? reject(error) : resolve(bytes));
      read(file, to, done, to.length - done, position + done, heard);
    });
    if (count === 0) throw new Error(SHORTER);
    done += count;
  }
}

function attempt<T>(path: string, what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw fileError(path, what, error as NodeJS.ErrnoException);
  }
}

function fileError(path: string, what: string, error: NodeJS.ErrnoException): FileError {
  const { code, message } = error;
  const reason =
    code === 'ENOENT'
      ? 'there is no such file; check the path'
      : code === 'EISDIR'
        ? 'this is a folder; name a file in it'
        : code === 'EACCES'
          ? 'reading it is not permitted'
          : message;
  return new FileError(`The ${what} ${path} cannot be read: ${reason}.`, { cause: error });
}
