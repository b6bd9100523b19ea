/** Snapshots from and to files. */
import { closeSync, fstatSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import type { System } from '../debugger/systems/system';
import { SnapshotError } from '../engine/state-transfer';
import { readSnapshot, writeSnapshot } from '../machine/snapshot-file';
import { FileError } from './user-file';

/** What a path says of a problem. */
const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder; check the path',
  EISDIR: 'this is a folder; name a file in it',
  EACCES: 'this is not permitted',
  ENOSPC: "the host's disk is full; make room",
};

/** Makes a system go on from a file. @throws FileError or SnapshotError, in a user's words */
export function restoreFrom(path: string, system: System): void {
  const file = attempt(path, 'read', () => openSync(path, 'r'));
  try {
    const source = {
      size: attempt(path, 'read', () => fstatSync(file).size),
      read: (length: number) => attempt(path, 'read', () => readAll(file, length)),
    };
    system.restoreSnapshot(readSnapshot(source));
  } catch (error) {
    throw error instanceof SnapshotError ? new SnapshotError(`${path}: ${error.message}`, { cause: error }) : error;
  } finally {
    closeSync(file);
  }
}

/** Writes a system's snapshot; a file that was there is replaced when all is written. @throws FileError or SnapshotError */
export function saveTo(path: string, system: System): void {
  const snapshot = system.takeSnapshot();
  const unfinished = `${path}.part`;
  attempt(path, 'written', () => {
    const file = openSync(unfinished, 'w');
    try {
      for (const piece of writeSnapshot(snapshot)) writeAll(file, piece);
    } catch (error) {
      rmSync(unfinished, { force: true });
      throw error;
    } finally {
      closeSync(file);
    }
    renameSync(unfinished, path);
  });
}

function readAll(file: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const count = readSync(file, bytes, done, length - done, null);
    if (count === 0) throw new SnapshotError('The file became shorter while it was read.');
    done += count;
  }
  return bytes;
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done, bytes.length - done);
}

function attempt<T>(path: string, what: 'read' | 'written', action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof SnapshotError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = PROBLEMS[code ?? ''] ?? message;
    throw new FileError(`The snapshot ${path} cannot be ${what}: ${reason}.`, { cause: error });
  }
}
