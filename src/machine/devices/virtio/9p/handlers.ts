/** What each message of 9P2000.L asks for, and how it is answered. */
import type { AttributeChanges, FileAttributes, Path } from './file-system';
import { DEEPEST, FileError, isName, LONGEST_NAME } from './file-system';
import type { Fid } from './fids';
import type { MessageReader, MessageWriter } from './message';
import { QID_SIZE } from './message';
import type { Server } from './server';

interface Handler {
  /** Changes the folder. */
  readonly writes?: boolean;
  /** @param room bytes that the answer may have without its header */
  perform(server: Server, reader: MessageReader, answer: MessageWriter, room: number): void;
}

/** Flags of Linux for opening files (asm-generic/fcntl.h), as 9P2000.L has them. */
const OPEN = { accessMode: 3, truncate: 0o1000, folder: 0o200000 } as const;
const MOST_NAMES_IN_WALK = 16;

const QID_TYPE = { file: 0, other: 0, link: 0x02, folder: 0x80 } as const;
/** d_type of directory entries. */
const ENTRY_TYPE = { other: 0, folder: 4, file: 8, link: 10 } as const;
/** All attributes that there are, but the last three. */
const BASIC_ATTRIBUTES = 0x7ffn;
/** A directory entry without its name: where it is, the next one's offset, kind, and the name's length. */
const ENTRY_SIZE = QID_SIZE + 8 + 1 + 2;
const STATFS_TYPE = 0x01021997;

/** Bits of Tsetattr's `valid`. */
const SET = {
  mode: 1,
  user: 2,
  group: 4,
  size: 8,
  accessed: 16,
  modified: 32,
  accessedTo: 128,
  modifiedTo: 256,
} as const;
const NANOSECONDS = 1_000_000_000n;

const REMOVE_FOLDER = 0x200;

function putQid(answer: MessageWriter, { kind, modified, identity }: FileAttributes): MessageWriter {
  return answer
    .u8(QID_TYPE[kind])
    .u32(Number(BigInt.asUintN(32, modified / 1000n)))
    .u64(BigInt.asUintN(64, identity));
}

/** A path with one name more. @throws FileError for what is no name */
function below(path: Path, name: string): Path {
  if (name === '..') return path.slice(0, -1);
  if (!isName(name)) throw new FileError('EINVAL');
  if (new TextEncoder().encode(name).length > LONGEST_NAME || path.length >= DEEPEST) {
    throw new FileError('ENAMETOOLONG');
  }
  return [...path, name];
}

/** The same for something to be made, removed or renamed: it has a name of its own. */
function newBelow(path: Path, name: string): Path {
  if (name === '..') throw new FileError('EINVAL');
  return below(path, name);
}

function attributesOf({ folder }: Server, fid: Fid): FileAttributes {
  return fid.file ? fid.file.attributes() : folder.attributes(fid.path);
}

function putUnit(answer: MessageWriter): void {
  answer.u32(0);
}

/** By the number of the request. */
export const HANDLERS: Readonly<Record<number, Handler>> = {
  /** Tstatfs */
  8: {
    perform({ fids, folder }, reader, answer) {
      fids.get(reader.u32());
      const { blockSize, blocks, free, available, files, freeFiles } = folder.space();
      answer.u32(STATFS_TYPE).u32(blockSize).u64(blocks).u64(free).u64(available);
      answer.u64(files).u64(freeFiles).u64(0n).u32(LONGEST_NAME);
    },
  },
  /** Tlopen */
  12: {
    perform(server, reader, answer) {
      const { fids, folder } = server;
      const fid = fids.get(reader.u32());
      const flags = reader.u32();
      const attributes = folder.attributes(fid.path);
      const write = (flags & OPEN.accessMode) !== 0;
      const truncate = (flags & OPEN.truncate) !== 0;
      if (fid.file) throw new FileError('EBADF');
      if ((write || truncate) && !folder.writable) throw new FileError('EROFS');
      if (attributes.kind === 'folder') {
        if (write) throw new FileError('EISDIR');
      } else {
        if (flags & OPEN.folder) throw new FileError('ENOTDIR');
        fids.reserveFile();
        fids.open(fid, folder.open(fid.path, { write, truncate }), write);
      }
      putUnit(putQid(answer, attributes));
    },
  },
  /** Tlcreate */
  14: {
    writes: true,
    perform({ fids, folder }, reader, answer) {
      const fid = fids.get(reader.u32());
      if (fid.file) throw new FileError('EBADF');
      const path = newBelow(fid.path, reader.text());
      reader.u32();
      const mode = reader.u32();
      fids.reserveFile();
      const file = folder.create(path, mode & 0o777);
      fid.path = path;
      fids.open(fid, file, true);
      putUnit(putQid(answer, file.attributes()));
    },
  },
  /** Tsymlink, Tmknod, Tlink: a guest makes no way out of the folder. */
  ...Object.fromEntries([16, 18, 70].map((type) => [type, { writes: true, perform: refuse('EPERM') }])),
  /** Trename */
  20: {
    writes: true,
    perform({ fids, folder }, reader) {
      const { path } = fids.get(reader.u32());
      const to = newBelow(fids.get(reader.u32()).path, reader.text());
      folder.rename(path, to);
      fids.moved(path, to);
    },
  },
  /** Treadlink */
  22: {
    perform({ fids, folder }, reader, answer) {
      answer.text(folder.readLink(fids.get(reader.u32()).path));
    },
  },
  /** Tgetattr */
  24: {
    perform(server, reader, answer) {
      const attributes = attributesOf(server, server.fids.get(reader.u32()));
      const { mode, user, group, links, size, blockSize, blocks, accessed, modified, changed } = attributes;
      putQid(answer.u64(BASIC_ATTRIBUTES), attributes);
      answer.u32(mode).u32(user).u32(group).u64(BigInt(links)).u64(0n).u64(size).u64(BigInt(blockSize)).u64(blocks);
      for (const time of [accessed, modified, changed, 0n]) answer.u64(time / NANOSECONDS).u64(time % NANOSECONDS);
      answer.u64(0n).u64(0n);
    },
  },
  /** Tsetattr */
  26: {
    writes: true,
    perform({ fids, folder }, reader) {
      const { path } = fids.get(reader.u32());
      const valid = reader.u32();
      const mode = reader.u32();
      reader.data(8); // owners stay
      const size = reader.u64();
      const times = [0, 1].map(() => reader.u64() * NANOSECONDS + reader.u64());
      if (size > Number.MAX_SAFE_INTEGER) throw new FileError('EFBIG');
      folder.setAttributes(path, changes(valid, mode & 0o777, Number(size), times));
    },
  },
  /** Txattrwalk: there are no extended attributes. */
  30: { perform: refuse('EOPNOTSUPP') },
  /** Treaddir */
  40: {
    perform({ fids, folder }, reader, answer, room) {
      const fid = fids.get(reader.u32());
      const offset = reader.u64();
      const most = Math.min(reader.u32(), room - 4);
      if (offset === 0n || !fid.names) fids.list(fid, ['.', '..', ...folder.list(fid.path)]);
      putEntries(answer, fid, { offset: Number(offset), most, attributesOf: (path) => folder.attributes(path) });
    },
  },
  /** Tfsync */
  50: {
    perform({ fids }, reader) {
      const { file, writes } = fids.get(reader.u32());
      if (writes) file?.sync();
    },
  },
  /** Tlock: only this guest has the folder, and it keeps its own locks. */
  52: { perform: (_, _reader, answer) => void answer.u8(0) },
  /** Tmkdir */
  72: {
    writes: true,
    perform({ fids, folder }, reader, answer) {
      const path = newBelow(fids.get(reader.u32()).path, reader.text());
      folder.makeFolder(path, reader.u32() & 0o777);
      putQid(answer, folder.attributes(path));
    },
  },
  /** Trenameat */
  74: {
    writes: true,
    perform({ fids, folder }, reader) {
      const from = newBelow(fids.get(reader.u32()).path, reader.text());
      const to = newBelow(fids.get(reader.u32()).path, reader.text());
      folder.rename(from, to);
      fids.moved(from, to);
    },
  },
  /** Tunlinkat */
  76: {
    writes: true,
    perform({ fids, folder }, reader) {
      const path = newBelow(fids.get(reader.u32()).path, reader.text());
      folder.remove(path, reader.u32() & REMOVE_FOLDER ? 'folder' : 'file');
    },
  },
  /** Tauth: nobody has to say who they are. */
  102: { perform: refuse('EOPNOTSUPP') },
  /** Tattach */
  104: {
    perform({ fids, folder }, reader, answer) {
      const number = reader.u32();
      const attributes = folder.attributes([]);
      fids.add(number, []);
      putQid(answer, attributes);
    },
  },
  /** Tflush: every request was answered before the next is read. */
  108: { perform: () => undefined },
  /** Twalk */
  110: { perform: walk },
  /** Tread */
  116: {
    perform({ fids }, reader, answer, room) {
      const { file } = fids.get(reader.u32());
      const offset = reader.u64();
      const buffer = new Uint8Array(Math.max(0, Math.min(reader.u32(), room - 4)));
      if (!file) throw new FileError('EBADF');
      const count = offset > Number.MAX_SAFE_INTEGER ? 0 : file.read(Number(offset), buffer);
      answer.u32(count).data(buffer.subarray(0, count));
    },
  },
  /** Twrite */
  118: {
    writes: true,
    perform({ fids }, reader, answer) {
      const { file, writes } = fids.get(reader.u32());
      const offset = reader.u64();
      const bytes = reader.data(reader.u32());
      if (!file || !writes) throw new FileError('EBADF');
      if (offset > Number.MAX_SAFE_INTEGER - bytes.length) throw new FileError('EFBIG');
      file.write(Number(offset), bytes);
      answer.u32(bytes.length);
    },
  },
  /** Tclunk */
  120: { perform: ({ fids }, reader) => fids.remove(reader.u32()) },
  /** Tremove */
  122: {
    perform({ fids, folder }, reader) {
      const number = reader.u32();
      const { path } = fids.get(number);
      // The number is gone, whatever comes of it.
      fids.remove(number);
      if (!folder.writable) throw new FileError('EROFS');
      folder.remove(path, folder.attributes(path).kind === 'folder' ? 'folder' : 'file');
    },
  },
};

function refuse(code: FileError['code']): () => never {
  return () => {
    throw new FileError(code);
  };
}

/** Goes from a place to another, name by name; where a name after the first does not exist, the guest hears how far it came. */
function walk({ fids, folder }: Server, reader: MessageReader, answer: MessageWriter): void {
  const from = reader.u32();
  const to = reader.u32();
  const count = reader.u16();
  const start = fids.get(from);
  if (count > MOST_NAMES_IN_WALK) throw new FileError('EINVAL');
  if (start.file) throw new FileError('EBADF');
  let path: Path = start.path;
  const found: FileAttributes[] = [];
  for (let i = 0; i < count; i++) {
    const name = reader.text();
    try {
      if (folder.attributes(path).kind !== 'folder') throw new FileError('ENOTDIR');
      const next = below(path, name);
      found.push(folder.attributes(next));
      path = next;
    } catch (error) {
      if (i === 0 || !(error instanceof FileError)) throw error;
      break;
    }
  }
  if (found.length === count) {
    if (from === to) start.path = path;
    else fids.add(to, path);
  }
  answer.u16(found.length);
  for (const attributes of found) putQid(answer, attributes);
}

function changes(valid: number, mode: number, size: number, [accessed, modified]: readonly bigint[]): AttributeChanges {
  return {
    ...(valid & SET.mode && { mode }),
    ...(valid & SET.size && { size }),
    ...(valid & SET.accessed && { accessed: valid & SET.accessedTo ? accessed : 'now' }),
    ...(valid & SET.modified && { modified: valid & SET.modifiedTo ? modified : 'now' }),
  };
}

/** As many entries from an offset on as there is room for; an entry's offset is that of the next one. */
function putEntries(
  answer: MessageWriter,
  { path, names = [] }: Fid,
  { offset, most, attributesOf: lookUp }: { offset: number; most: number; attributesOf(path: Path): FileAttributes },
): void {
  const entries: { attributes: FileAttributes; name: string; next: number }[] = [];
  let size = 0;
  for (let index = offset; index < names.length; index++) {
    const name = names[index];
    const place = name === '.' ? path : name === '..' ? path.slice(0, -1) : [...path, name];
    const attributes = attributesIfAny(lookUp, place);
    if (!attributes) continue;
    const needed = ENTRY_SIZE + new TextEncoder().encode(name).length;
    if (size + needed > most) break;
    size += needed;
    entries.push({ attributes, name, next: index + 1 });
  }
  answer.u32(size);
  for (const { attributes, name, next } of entries) {
    putQid(answer, attributes).u64(BigInt(next)).u8(ENTRY_TYPE[attributes.kind]).text(name);
  }
}

/** A file that was removed since its folder was listed is left out. */
function attributesIfAny(lookUp: (path: Path) => FileAttributes, path: Path): FileAttributes | undefined {
  try {
    return lookUp(path);
  } catch (error) {
    if (error instanceof FileError) return undefined;
    throw error;
  }
}
