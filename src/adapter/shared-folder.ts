/**
 * A folder of the host's that guests may use, and nothing outside it: no link is followed anywhere, so that no name leads out,
 * and each place is checked to be where its name says before and after it is opened.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmdirSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import type {
  AttributeChanges,
  ErrorName,
  FileAttributes,
  OpenFile,
  Path,
  SharedFolder,
  Space,
} from '../machine/devices/virtio/9p/file-system';
import { ERRNO, FileError, isName } from '../machine/devices/virtio/9p/file-system';

/** A folder that cannot be shared; the message is for the user. */
export class ShareError extends Error {
  override readonly name = 'ShareError';
}

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such folder; check the path',
  ENOTDIR: 'it is no folder; name the folder that it is in',
  EACCES: 'this is not permitted; check its permissions',
};

/** @throws ShareError in a user's words */
export function openSharedFolder(path: string, writable: boolean): SharedFolder {
  try {
    const root = realpathSync(path);
    readdirSync(root);
    return new HostFolder(root, writable);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new ShareError(`The folder ${path} cannot be shared: ${PROBLEMS[code ?? ''] ?? message}.`, { cause: error });
  }
}

const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_TRUNC } = constants;
/** Neither follows a link nor waits for a pipe's other end; where there is no such flag, kinds are looked at before. */
const O_CAREFUL =
  ((constants.O_NOFOLLOW as number | undefined) ?? 0) | ((constants.O_NONBLOCK as number | undefined) ?? 0);

/** On a host where these characters are special, no name that has them exists. */
const FOREIGN = sep === '/' ? /\0/ : /[\\:]/;

class HostFolder implements SharedFolder {
  constructor(
    private readonly root: string,
    readonly writable: boolean,
  ) {}

  attributes(path: Path): FileAttributes {
    return attempt(() => attributesOf(lstatSync(this.locate(path), { bigint: true })));
  }

  list(path: Path): readonly string[] {
    return attempt(() => {
      const place = this.locate(path);
      if (realpathSync(place) !== place) throw new FileError('ENOTDIR');
      return readdirSync(place);
    });
  }

  readLink(path: Path): string {
    return attempt(() => readlinkSync(this.locate(path)));
  }

  open(path: Path, { write, truncate }: { readonly write: boolean; readonly truncate: boolean }): OpenFile {
    return attempt(() => {
      const kind = attributesOf(lstatSync(this.locate(path), { bigint: true })).kind;
      if (kind !== 'file') throw new FileError(kind === 'folder' ? 'EISDIR' : kind === 'link' ? 'ELOOP' : 'EACCES');
      return this.opened(path, (write || truncate ? O_RDWR : O_RDONLY) | (truncate ? O_TRUNC : 0));
    });
  }

  create(path: Path, mode: number): OpenFile {
    return attempt(() => this.opened(path, O_RDWR | O_CREAT | O_EXCL, mode));
  }

  makeFolder(path: Path, mode: number): void {
    attempt(() => mkdirSync(this.locate(path), mode));
  }

  remove(path: Path, kind: 'file' | 'folder'): void {
    if (path.length === 0) throw new FileError('EBUSY');
    attempt(() => (kind === 'folder' ? rmdirSync : unlinkSync)(this.locate(path)));
  }

  rename(from: Path, to: Path): void {
    if (from.length === 0 || to.length === 0) throw new FileError('EBUSY');
    attempt(() => renameSync(this.locate(from), this.locate(to)));
  }

  setAttributes(path: Path, { mode, size, accessed, modified }: AttributeChanges): void {
    attempt(() => {
      const place = this.locate(path);
      if (lstatSync(place).isSymbolicLink()) throw new FileError('EPERM');
      const descriptor = openSync(place, (size === undefined ? O_RDONLY : O_RDWR) | O_CAREFUL);
      try {
        this.verify(path);
        if (size !== undefined) ftruncateSync(descriptor, size);
        if (mode !== undefined) fchmodSync(descriptor, mode);
        if (accessed === undefined && modified === undefined) return;
        const now = fstatSync(descriptor);
        const seconds = (time: bigint | 'now' | undefined, old: Date) =>
          time === undefined ? old : time === 'now' ? new Date() : Number(time) / 1e9;
        futimesSync(descriptor, seconds(accessed, now.atime), seconds(modified, now.mtime));
      } finally {
        closeSync(descriptor);
      }
    });
  }

  space(): Space {
    return attempt(() => {
      const { bsize, blocks, bfree, bavail, files, ffree } = statfsSync(this.root, { bigint: true });
      return { blockSize: Number(bsize), blocks, free: bfree, available: bavail, files, freeFiles: ffree };
    });
  }

  /** Where a path lies on the host; all folders on the way are the shared one's own. @throws FileError */
  private locate(path: Path): string {
    if (!path.every((name) => isName(name) && !FOREIGN.test(name))) throw new FileError('ENOENT');
    const place = join(this.root, ...path);
    if (path.length === 0) return place;
    const parent = dirname(place);
    if (realpathSync(parent) !== parent) throw new FileError('ENOTDIR');
    return place;
  }

  private opened(path: Path, flags: number, mode?: number): OpenFile {
    const descriptor = openSync(this.locate(path), flags | O_CAREFUL, mode);
    try {
      if (!fstatSync(descriptor).isFile()) throw new FileError('EACCES');
      this.verify(path);
      return new HostFile(descriptor);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  /** A folder on the way may have become a link while something was opened: then it is as if it had been one before. */
  private verify(path: Path): void {
    this.locate(path);
  }
}

class HostFile implements OpenFile {
  private isClosed = false;

  constructor(private readonly descriptor: number) {
    unused.register(this, descriptor, this);
  }

  attributes(): FileAttributes {
    return attempt(() => attributesOf(fstatSync(this.descriptor, { bigint: true })));
  }

  read(offset: number, target: Uint8Array): number {
    return attempt(() => readSync(this.descriptor, target, 0, target.length, offset));
  }

  write(offset: number, bytes: Uint8Array): void {
    attempt(() => {
      for (let done = 0; done < bytes.length;) {
        done += writeSync(this.descriptor, bytes, done, bytes.length - done, offset + done);
      }
    });
  }

  sync(): void {
    attempt(() => fsyncSync(this.descriptor));
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    unused.unregister(this);
    closeSync(this.descriptor);
  }
}

/** Closes files of guests that ended without closing them. */
const unused = new FinalizationRegistry<number>((descriptor) => closeSync(descriptor));

function attempt<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof FileError) throw error;
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new FileError(code in ERRNO ? (code as ErrorName) : 'EIO');
  }
}

function attributesOf(stat: BigIntStats): FileAttributes {
  const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : stat.isSymbolicLink() ? 'link' : 'other';
  return {
    kind,
    mode: Number(stat.mode),
    user: Number(stat.uid),
    group: Number(stat.gid),
    links: Number(stat.nlink),
    size: stat.size,
    blockSize: Number(stat.blksize),
    blocks: stat.blocks,
    accessed: stat.atimeNs,
    modified: stat.mtimeNs,
    changed: stat.ctimeNs,
    identity: stat.ino ^ (stat.dev << 48n),
  };
}
