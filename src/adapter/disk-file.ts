/** Disk images: files as the machine's disks, unchanged by what the guest writes unless the user allows it. */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, openSync, readSync, realpathSync, writeSync } from 'node:fs';
import type { StateTransfer } from '../engine/state-transfer';
import { SnapshotError } from '../engine/state-transfer';
import type { Storage } from '../machine/devices/virtio/storage';
import { lockDisk, refuseLocked } from './disk-lock';
import { OverlayStorage, SECTOR_SIZE, StorageError } from '../machine/devices/virtio/storage';

const ZEROS = new Uint8Array(1 << 20);

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file; check the path',
  EISDIR: 'it is a folder; name a file in it',
  EACCES: 'this is not permitted; check its permissions',
  EPERM: 'this is not permitted; check its permissions',
  EROFS: 'it lies on a read-only file system; open it without writing',
  EBUSY: 'another program has locked it; close that first',
  ENOSPC: "the host's disk is full; make room, and have the guest write again",
  EDQUOT: "your share of the host's disk is used up; make room, and have the guest write again",
  EFBIG: "the host's file system has no larger files; use a smaller image",
  EIO: "the host's disk has an error",
};

function problemOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return PROBLEMS[code ?? ''] ?? message;
}

/** Bytes of an image that are hashed together, so that after a change not all of it is read again. */
const CHUNK = 1 << 20;

/** A file, whose bytes beyond the end of its last whole sector read as zero. */
class FileStorage implements Storage {
  /** Hashes of chunks, of those that were read and not written since. */
  private readonly hashes = new Map<number, Buffer>();

  constructor(
    private readonly path: string,
    private readonly descriptor: number,
    readonly sectors: number,
    readonly readOnly: boolean,
  ) {}

  read(sector: number, target: Uint8Array): void {
    this.attempt('read', () => {
      for (let done = 0; done < target.length;) {
        const count = readSync(this.descriptor, target, done, target.length - done, sector * SECTOR_SIZE + done);
        if (count === 0) {
          target.fill(0, done);
          return;
        }
        done += count;
      }
    });
  }

  write(sector: number, bytes: Uint8Array): void {
    const start = sector * SECTOR_SIZE;
    for (let at = start - (start % CHUNK); at < start + bytes.length; at += CHUNK) this.hashes.delete(at / CHUNK);
    this.attempt('written', () => {
      for (let done = 0; done < bytes.length;) {
        done += writeSync(this.descriptor, bytes, done, bytes.length - done, start + done);
      }
    });
  }

  clear(sector: number, count: number): void {
    for (let done = 0; done < count * SECTOR_SIZE; done += ZEROS.length) {
      this.write(sector + done / SECTOR_SIZE, ZEROS.subarray(0, count * SECTOR_SIZE - done));
    }
  }

  flush(): void {
    if (!this.readOnly) this.attempt('written', () => fsyncSync(this.descriptor));
  }

  /** What a file holds is not in a snapshot: it must hold the same when that is restored. */
  transferState(state: StateTransfer): void {
    const hash = this.hash();
    if (state.text(hash) === hash) return;
    const copy = this.readOnly ? '' : ' (copy it whenever you take one)';
    throw new SnapshotError(
      `The disk image ${this.path} does not hold what it held when the snapshot was taken; put that back${copy}.`,
    );
  }

  /** Of all that it holds. @throws SnapshotError */
  private hash(): string {
    try {
      this.flush();
      const whole = createHash('sha256');
      const size = this.sectors * SECTOR_SIZE;
      for (let at = 0; at < size; at += CHUNK) {
        let hash = this.hashes.get(at / CHUNK);
        if (!hash) {
          const bytes = new Uint8Array(Math.min(CHUNK, size - at));
          this.read(at / SECTOR_SIZE, bytes);
          hash = createHash('sha256').update(bytes).digest();
          this.hashes.set(at / CHUNK, hash);
        }
        whole.update(hash);
      }
      return whole.digest('hex');
    } catch (error) {
      if (error instanceof StorageError) throw new SnapshotError(error.message, { cause: error });
      throw error;
    }
  }

  private attempt(what: 'read' | 'written', action: () => void): void {
    try {
      action();
    } catch (error) {
      throw new StorageError(`The disk image ${this.path} cannot be ${what}: ${problemOf(error)}.`, { cause: error });
    }
  }
}

/** Closes files that nobody uses any more: a disk has no end of life of its own. */
const unused = new FinalizationRegistry<() => void>((close) => close());

/**
 * A file as a disk.
 * @param writable the guest's writes go to the file; else to memory, and are gone with the machine
 * @throws StorageError in a user's words
 */
export function openDisk(path: string, writable: boolean): Storage {
  let descriptor: number | undefined;
  let unlock: (() => void) | undefined;
  try {
    descriptor = openSync(path, writable ? 'r+' : 'r');
    const stat = fstatSync(descriptor);
    if (stat.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
    if (!stat.isFile()) throw new Error('it is no ordinary file; copy it to one');
    if (stat.size === 0) throw new Error('it is empty; make it as large as the disk shall be');
    if (writable && stat.size % SECTOR_SIZE !== 0) {
      throw new Error(
        `its ${stat.size} bytes are no whole number of sectors, so that it cannot be written; ` +
          `lengthen it by "truncate -s %${SECTOR_SIZE} FILE"`,
      );
    }
    if (writable) unlock = lockDisk(path);
    else refuseLocked(path);
    const file = new FileStorage(path, descriptor, Math.ceil(stat.size / SECTOR_SIZE), !writable);
    unused.register(file, closing(descriptor, unlock));
    return writable ? file : new OverlayStorage(file);
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    unlock?.();
    if (error instanceof StorageError) throw error;
    throw new StorageError(`The disk image ${path} cannot be opened: ${problemOf(error)}.`, { cause: error });
  }
}

/** Not a closure of `openDisk`'s, which would keep the disk. */
function closing(descriptor: number, unlock: (() => void) | undefined): () => void {
  return () => {
    closeSync(descriptor);
    unlock?.();
  };
}

/** @throws StorageError where one file is two disks of which one may be written: guests would spoil each other's work */
export function refuseSharedDisks(disks: readonly { readonly file: string; readonly writable: boolean }[]): void {
  for (const [index, { file, writable }] of disks.entries()) {
    const other = disks
      .slice(0, index)
      .find((before) => (writable || before.writable) && isSameFile(before.file, file));
    if (other)
      throw new StorageError(`The disk image ${file} is two disks, and one of them may be written; make a copy.`);
  }
}

function isSameFile(a: string, b: string): boolean {
  try {
    return realpathSync(a) === realpathSync(b);
  } catch {
    return false; // one is missing, which is told when it is opened
  }
}
