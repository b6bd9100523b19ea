/** What a shared folder is to the device that shares it: an interface to files, without links being followed. */

/** Names from the shared folder's root on; each is one name, and none is `.` or `..`. */
export type Path = readonly string[];

/** Names in a path at most, and bytes in a name. */
export const DEEPEST = 128;
export const LONGEST_NAME = 255;

/** Whether something can be a file's name, whatever kind of file system it is on. */
export function isName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name);
}

/** Linux's numbers of errors (asm-generic/errno-base.h and errno.h), of those that occur here. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EIO: 5,
  EBADF: 9,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  EMFILE: 24,
  EFBIG: 27,
  ENOSPC: 28,
  EROFS: 30,
  ENAMETOOLONG: 36,
  ENOTEMPTY: 39,
  ELOOP: 40,
  ENODATA: 61,
  EPROTO: 71,
  EOPNOTSUPP: 95,
  EDQUOT: 122,
} as const;

export type ErrorName = keyof typeof ERRNO;

/** A file operation that failed; the guest gets the number. */
export class FileError extends Error {
  override readonly name = 'FileError';

  constructor(readonly code: ErrorName) {
    super(code);
  }
}

export interface FileAttributes {
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  /** As st_mode, with the bits of the kind. */
  readonly mode: number;
  readonly user: number;
  readonly group: number;
  readonly links: number;
  /** Bytes. */
  readonly size: bigint;
  readonly blockSize: number;
  /** Blocks of 512 bytes. */
  readonly blocks: bigint;
  /** Nanoseconds since 1970. */
  readonly accessed: bigint;
  readonly modified: bigint;
  readonly changed: bigint;
  /** Different for different files of the folder. */
  readonly identity: bigint;
}

/** What `setAttributes` changes; times in nanoseconds since 1970, or the host's own. */
export interface AttributeChanges {
  readonly mode?: number;
  readonly size?: number;
  readonly accessed?: bigint | 'now';
  readonly modified?: bigint | 'now';
}

export interface Space {
  readonly blockSize: number;
  readonly blocks: bigint;
  readonly free: bigint;
  readonly available: bigint;
  readonly files: bigint;
  readonly freeFiles: bigint;
}

/** An ordinary file, opened. */
export interface OpenFile {
  attributes(): FileAttributes;
  /** @returns bytes read; fewer than asked for at the end */
  read(offset: number, target: Uint8Array): number;
  write(offset: number, bytes: Uint8Array): void;
  sync(): void;
  close(): void;
}

/**
 * All methods throw a FileError when it cannot be done. No method ever follows a link, at the end of a path or within it,
 * or opens anything but ordinary files.
 */
export interface SharedFolder {
  /** Without it only methods that change nothing are called. */
  readonly writable: boolean;
  attributes(path: Path): FileAttributes;
  /** Names in a folder, in no particular order. */
  list(path: Path): readonly string[];
  /** What a link names. */
  readLink(path: Path): string;
  open(path: Path, options: { readonly write: boolean; readonly truncate: boolean }): OpenFile;
  /** Makes a file that was not there. */
  create(path: Path, mode: number): OpenFile;
  makeFolder(path: Path, mode: number): void;
  remove(path: Path, kind: 'file' | 'folder'): void;
  rename(from: Path, to: Path): void;
  setAttributes(path: Path, changes: AttributeChanges): void;
  space(): Space;
}
