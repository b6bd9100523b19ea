/**
 * A folder of the host's that guests may use, and nothing outside it: no link is followed anywhere, so that no name leads out.
 * Where the host has a way to (Linux), everything is done below a folder that is held open and known to be in its place
 * (`held-folder.ts`); elsewhere each place is checked to be where its name says before and after it is opened.
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
import { basename, dirname, join, sep } from 'node:path';
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
import { inFolder } from './held-folder';

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

const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR } = constants;
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
    return attempt(() => this.at(path, attributesAt));
  }

  list(path: Path): readonly string[] {
    return attempt(() => inFolder(this.place(path), (folder) => readdirSync(folder)));
  }

  readLink(path: Path): string {
    return attempt(() => this.at(path, (place) => readlinkSync(place)));
  }

  open(path: Path, { write, truncate }: { readonly write: boolean; readonly truncate: boolean }): OpenFile {
    return attempt(() =>
      this.at(path, (place) => {
        const { kind } = attributesAt(place);
        if (kind !== 'file') throw new FileError(kind === 'folder' ? 'EISDIR' : kind === 'link' ? 'ELOOP' : 'EACCES');
        const descriptor = this.opened(path, place, write || truncate ? O_RDWR : O_RDONLY);
        // Not with the opening: by then it must be known that this is the file.
        if (truncate) ftruncateSync(descriptor, 0);
        return new HostFile(descriptor);
      }),
    );
  }

  create(path: Path, mode: number): OpenFile {
    return attempt(() =>
      this.at(path, (place) => new HostFile(this.opened(path, place, O_RDWR | O_CREAT | O_EXCL, mode))),
    );
  }

  makeFolder(path: Path, mode: number): void {
    attempt(() => this.at(path, (place) => mkdirSync(place, mode)));
  }

  remove(path: Path, kind: 'file' | 'folder'): void {
    if (path.length === 0) throw new FileError('EBUSY');
    attempt(() => this.at(path, kind === 'folder' ? rmdirSync : unlinkSync));
  }

  rename(from: Path, to: Path): void {
    if (from.length === 0 || to.length === 0) throw new FileError('EBUSY');
    attempt(() => this.at(from, (old) => this.at(to, (place) => renameSync(old, place))));
  }

  setAttributes(path: Path, { mode, size, accessed, modified }: AttributeChanges): void {
    attempt(() =>
      this.at(path, (place) => {
        const { kind } = attributesAt(place);
        if (kind !== 'file' && kind !== 'folder') throw new FileError('EPERM');
        const descriptor = this.opened(path, place, size === undefined ? O_RDONLY : O_RDWR, undefined, kind);
        try {
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
      }),
    );
  }

  space(): Space {
    return attempt(() => {
      const { bsize, blocks, bfree, bavail, files, ffree } = statfsSync(this.root, { bigint: true });
      return { blockSize: Number(bsize), blocks, free: bfree, available: bavail, files, freeFiles: ffree };
    });
  }

  /** Where a path leads on the host, if there is no link on the way. @throws FileError for what is no name */
  private place(path: Path): string {
    if (!path.every((name) => isName(name) && !FOREIGN.test(name))) throw new FileError('ENOENT');
    return join(this.root, ...path);
  }

  /** Does something with a path; all folders on the way are the shared one's own. */
  private at<T>(path: Path, action: (place: string) => T): T {
    if (path.length === 0) return action(this.root);
    const place = this.place(path);
    return inFolder(dirname(place), (folder) => action(join(folder, basename(place))));
  }

  /** A file, or a folder, and nothing else. @param place of `path`, as `at` has it */
  private opened(path: Path, place: string, flags: number, mode?: number, kind: 'file' | 'folder' = 'file'): number {
    const descriptor = openSync(place, flags | O_CAREFUL, mode);
    try {
      const found = fstatSync(descriptor);
      if (!(kind === 'file' ? found.isFile() : found.isDirectory())) throw new FileError('EACCES');
      // A folder on the way may have become a link: then it is as if it had been one before.
      if (path.length > 0) inFolder(dirname(this.place(path)), () => undefined);
      return descriptor;
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
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

function attributesAt(place: string): FileAttributes {
  return attributesOf(lstatSync(place, { bigint: true }));
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
