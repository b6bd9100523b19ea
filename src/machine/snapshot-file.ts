/** Snapshots as files. docs/snapshots.md describes the format. */
import { MemoryImage, PAGE_BYTES } from '../engine/memory-images';
import { SnapshotError } from '../engine/state-transfer';
import { Crc32 } from './crc32';
import type { MachineSnapshot } from './machine-snapshot';

/** "HCSNAP", and what a transfer as text would change. */
const MAGIC = Uint8Array.of(0x48, 0x43, 0x53, 0x4e, 0x41, 0x50, 0x0d, 0x0a);
/** Raised whenever the file's layout changes. What a machine's state is made of is checked value by value. */
const VERSION = 1;
const WORD = 4;
/** Pages that are read and written at once. */
const AT_ONCE = 256;
const PAGE_ENTRY = WORD + PAGE_BYTES;
/** Pages that fit into an address space of 4 GiB. */
const MOST_PAGES = 0x10_0000;

/** The file's bytes, piece after piece. */
export function* writeSnapshot({ state, memory }: MachineSnapshot): Generator<Uint8Array> {
  const crc = new Crc32();
  for (const piece of contents({ state, memory })) {
    crc.add(piece);
    yield piece;
  }
  yield word(crc.value);
}

function* contents({ state, memory }: MachineSnapshot): Generator<Uint8Array> {
  yield MAGIC;
  yield word(VERSION);
  yield word(state.bytes.length);
  yield state.bytes;
  yield word(state.shared.length);
  for (const bytes of state.shared) {
    yield word(bytes.length);
    yield bytes;
  }
  const pages = [...memory.pages()];
  yield word(pages.length);
  for (let done = 0; done < pages.length; done += AT_ONCE) {
    const some = pages.slice(done, done + AT_ONCE);
    const piece = new Uint8Array(some.length * PAGE_ENTRY);
    for (const [index, [number, bytes]] of some.entries()) {
      piece.set(word(number), index * PAGE_ENTRY);
      piece.set(bytes, index * PAGE_ENTRY + WORD);
    }
    yield piece;
  }
}

/** Bytes in order, as those of a file. */
export interface ByteSource {
  /** How many there are in all. */
  readonly size: number;
  /** The next `length` bytes, which are there. The array is not used again. */
  read(length: number): Uint8Array;
}

/**
 * Reads a snapshot that `writeSnapshot` wrote. Never takes much more memory than the file is large.
 * @throws SnapshotError for any other file
 */
export function readSnapshot(source: ByteSource): MachineSnapshot {
  const reader = new Reader(source);
  const magic = reader.left >= MAGIC.length ? reader.bytes(MAGIC.length) : MAGIC.subarray(1);
  if (!MAGIC.every((byte, index) => byte === magic[index])) {
    throw new SnapshotError('The file is no snapshot; name one that hypocaust run --save-snapshot wrote.');
  }
  const version = reader.word();
  if (version !== VERSION) {
    throw new SnapshotError(
      `The snapshot is in format ${version}, and this version of Hypocaust reads format ${VERSION}; take it anew.`,
    );
  }
  const bytes = reader.bytes(reader.word());
  const shared = Array.from({ length: reader.count(WORD) }, () => reader.bytes(reader.word()));
  const memory = readPages(reader, reader.count(PAGE_ENTRY));
  reader.end();
  return { state: { bytes, shared }, memory };
}

function readPages(reader: Reader, count: number): MemoryImage {
  const pages = new Map<number, Uint8Array>();
  let last = -1;
  for (let done = 0; done < count; done += AT_ONCE) {
    const some = Math.min(AT_ONCE, count - done);
    const piece = reader.bytes(some * PAGE_ENTRY);
    const view = new DataView(piece.buffer, piece.byteOffset);
    // In one array, so that the pages are aligned.
    const together = new Uint8Array(some * PAGE_BYTES);
    for (let index = 0; index < some; index++) {
      const number = view.getUint32(index * PAGE_ENTRY, true);
      if (number <= last || number >= MOST_PAGES) throw damaged('its pages are out of order');
      last = number;
      const at = index * PAGE_ENTRY + WORD;
      const page = together.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES);
      page.set(piece.subarray(at, at + PAGE_BYTES));
      pages.set(number, page);
    }
  }
  return MemoryImage.empty.with(pages);
}

class Reader {
  /** Bytes that are not read yet. */
  left: number;
  private readonly crc = new Crc32();

  constructor(private readonly source: ByteSource) {
    this.left = source.size;
  }

  bytes(length: number): Uint8Array {
    if (length > this.left) throw damaged('it is cut off');
    this.left -= length;
    const bytes = this.source.read(length);
    this.crc.add(bytes);
    return bytes;
  }

  word(): number {
    const bytes = this.bytes(WORD);
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  }

  /** A number of things that take so many bytes at least. */
  count(size: number): number {
    const count = this.word();
    if (count * size > this.left) throw damaged('it is cut off');
    return count;
  }

  /** Reads the checksum, which is the last. */
  end(): void {
    const { value } = this.crc;
    if (this.word() !== value || this.left > 0) throw damaged('its checksum is wrong');
  }
}

function damaged(how: string): SnapshotError {
  return new SnapshotError(`The snapshot is damaged: ${how}; take it anew.`);
}

function word(value: number): Uint8Array {
  const bytes = new Uint8Array(WORD);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
