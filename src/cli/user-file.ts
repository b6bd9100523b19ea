/** Files that the user named, with errors a user can act on. */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import type { Contents } from '../engine/physical-memory';

/** Enough to tell what a file is. */
const HEAD_BYTES = 64;

/** A file that cannot be used; the message names it. */
export class FileError extends Error {
  override readonly name = 'FileError';
}

/** The bytes of a file that the user named. @throws FileError */
export function readUserFile(path: string, what: string): Uint8Array {
  return attempt(path, what, () => readFileSync(path));
}

/** A file whose first bytes are there; the others go to where they are wanted, without being anywhere else before. */
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
    [this.length, this.head, this.read] = this.opened((file) => {
      const status = fstatSync(file);
      if (status.isFile() && status.size >= HEAD_BYTES) {
        const head = new Uint8Array(HEAD_BYTES);
        this.fill(file, head);
        return [status.size, head, undefined];
      }
      const bytes = readFileSync(file);
      return [bytes.length, bytes.subarray(0, HEAD_BYTES), bytes];
    });
  }

  /** All bytes. @throws FileError */
  bytes(): Uint8Array {
    return this.read ?? readUserFile(this.path, this.what);
  }

  writeTo(to: Uint8Array): void {
    if (this.read) to.set(this.read);
    else this.opened((file) => this.fill(file, to));
  }

  private opened<T>(use: (file: number) => T): T {
    return attempt(this.path, this.what, () => {
      const file = openSync(this.path, 'r');
      try {
        return use(file);
      } finally {
        closeSync(file);
      }
    });
  }

  private fill(file: number, to: Uint8Array): void {
    for (let done = 0; done < to.length;) {
      const count = readSync(file, to, done, to.length - done, done);
      if (count === 0) throw new Error('it became shorter while it was read');
      done += count;
    }
  }
}

function attempt<T>(path: string, what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT'
        ? 'there is no such file; check the path'
        : code === 'EISDIR'
          ? 'this is a folder; name a file in it'
          : code === 'EACCES'
            ? 'reading it is not permitted'
            : (error as Error).message;
    throw new FileError(`The ${what} ${path} cannot be read: ${reason}.`, { cause: error });
  }
}
