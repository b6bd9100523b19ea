/**
 * Writes an archive as the Linux kernel takes it as an initial RAM disk: cpio, format "newc".
 * Specification: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
 */

export type ArchiveEntry =
  | { readonly path: string; readonly kind: 'folder' }
  | { readonly path: string; readonly kind: 'file'; readonly data: Uint8Array; readonly executable?: boolean }
  | { readonly path: string; readonly kind: 'link'; readonly target: string }
  | { readonly path: string; readonly kind: 'character-device'; readonly major: number; readonly minor: number };

/** Types and permissions of files, as `st_mode` has them. */
const FOLDER = 0o040755;
const LINK = 0o120777;
const CHARACTER_DEVICE = 0o020600;
const FILE = 0o100644;
const PROGRAM = 0o100755;

/** The archive's bytes; folders must come before what is in them. */
export function cpioArchive(entries: readonly ArchiveEntry[]): Uint8Array {
  const members = entries.map((entry, index) => member(index + 1, entry));
  return Buffer.concat([...members, memberOf('TRAILER!!!', { inode: 0, mode: 0, data: Buffer.alloc(0) })]);
}

function member(inode: number, entry: ArchiveEntry): Buffer {
  const empty = Buffer.alloc(0);
  switch (entry.kind) {
    case 'folder':
      return memberOf(entry.path, { inode, mode: FOLDER, data: empty });
    case 'file':
      return memberOf(entry.path, { inode, mode: entry.executable ? PROGRAM : FILE, data: Buffer.from(entry.data) });
    case 'link':
      return memberOf(entry.path, { inode, mode: LINK, data: Buffer.from(entry.target) });
    case 'character-device':
      return memberOf(entry.path, { inode, mode: CHARACTER_DEVICE, data: empty, device: [entry.major, entry.minor] });
  }
}

interface Member {
  readonly inode: number;
  readonly mode: number;
  readonly data: Buffer;
  readonly device?: readonly [major: number, minor: number];
}

/** A header of thirteen numbers in eight hexadecimal digits each, the name, and the contents: all in multiples of four bytes. */
function memberOf(path: string, { inode, mode, data, device = [0, 0] }: Member): Buffer {
  const name = Buffer.from(`${path}\0`);
  const [user, group, links, time, checksum] = [0, 0, 1, 0, 0];
  const on = [0, 0];
  const numbers = [inode, mode, user, group, links, time, data.length, ...on, ...device, name.length, checksum];
  const header = Buffer.from(`070701${numbers.map((number) => number.toString(16).padStart(8, '0')).join('')}`);
  return Buffer.concat([padded(Buffer.concat([header, name])), padded(data)]);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
