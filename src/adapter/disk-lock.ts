/**
 * Locks on disk images that are written: a file beside the image, with the number of the process that has it. Within one
 * process an image may be opened again, as when a session starts anew.
 */
import { readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { StorageError } from '../machine/devices/virtio/storage';

interface Lock {
  readonly path: string;
  holders: number;
}

/** Of this process, by the real path of the image. */
const held = new Map<string, Lock>();

process.once('exit', () => {
  for (const { path } of held.values()) rmSync(path, { force: true });
});

/**
 * Keeps other sessions from an image while it is written. Where no file can be made beside it, nothing is locked.
 * @returns gives the lock back
 * @throws StorageError when another process has the image
 */
export function lockDisk(image: string): () => void {
  const key = realpathSync(image);
  const lock = held.get(key) ?? takeLock(key, image);
  if (!lock) return () => undefined;
  lock.holders++;
  held.set(key, lock);
  let isHeld = true;
  return () => {
    if (!isHeld) return;
    isHeld = false;
    if (--lock.holders > 0) return;
    held.delete(key);
    rmSync(lock.path, { force: true });
  };
}

/** @throws StorageError when another process writes an image */
export function refuseLocked(image: string): void {
  const key = realpathSync(image);
  const path = lockPath(key);
  const owner = held.has(key) ? undefined : ownerOf(path);
  if (owner !== undefined) throw isLocked(image, owner, path);
}

function takeLock(key: string, image: string): Lock | undefined {
  const path = lockPath(key);
  // Twice: once to find a lock whose process is gone, and once to take its place.
  for (let tries = 0; tries < 2; tries++) {
    try {
      writeFileSync(path, `${process.pid}\n`, { flag: 'wx' });
      return { path, holders: 0 };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return undefined;
      const owner = ownerOf(path);
      if (owner !== undefined) throw isLocked(image, owner, path);
      rmSync(path, { force: true });
    }
  }
  return undefined;
}

function lockPath(key: string): string {
  return `${key}.lock`;
}

function isLocked(image: string, owner: number, path: string): StorageError {
  return new StorageError(
    `The disk image ${image} is being written by process ${owner}; end that, or if it is none of ours, remove ${path}.`,
  );
}

/** The living process that has a lock; undefined when there is none. */
function ownerOf(path: string): number | undefined {
  let owner: number;
  try {
    owner = Number(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
  if (!Number.isInteger(owner) || owner <= 0) return undefined;
  try {
    process.kill(owner, 0);
    return owner;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? owner : undefined;
  }
}
