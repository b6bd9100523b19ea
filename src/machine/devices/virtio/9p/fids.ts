/** What a guest holds of a shared folder: numbers for places in it, some with an opened file or the contents of a folder. */
import type { StateTransfer } from '../../../../engine/state-transfer';
import type { OpenFile, Path, SharedFolder } from './file-system';
import { DEEPEST, FileError, isName } from './file-system';

const MOST_FIDS = 4096;
const MOST_OPEN_FILES = 512;
/** Names of folders that are being listed, altogether. */
const MOST_NAMES = 1_000_000;

export interface Fid {
  path: Path;
  file?: OpenFile;
  /** Whether the guest opened it for writing. */
  writes?: boolean;
  /** Names in the folder, as they were when its listing began. */
  names?: readonly string[];
}

export class Fids {
  private readonly all = new Map<number, Fid>();
  private files = 0;
  private names = 0;

  transferState(state: StateTransfer, folder: SharedFolder): void {
    const texts = (values: readonly string[], most: number) =>
      state.list(values, most, (value) => state.text(value ?? ''));
    const held = [...this.all].map(([number, { path, names, file, writes = false }]) => ({
      number,
      path,
      names,
      isOpen: file !== undefined,
      writes,
    }));
    const all = state.list(held, MOST_FIDS, (one) => ({
      number: state.integer(one?.number ?? 0),
      path: texts(one?.path ?? [], DEEPEST),
      names: state.optional(one?.names, (names): readonly string[] => texts(names ?? [], MOST_NAMES)),
      isOpen: state.flag(one?.isOpen ?? false),
      writes: state.flag(one?.writes ?? false),
    }));
    if (!state.isRestoring) return;
    this.clear();
    for (const { number, path, names, isOpen, writes } of all) {
      state.require(path.every(isName), 'a path is none');
      this.add(number, path);
      if (names) this.list(this.get(number), names);
      if (isOpen) this.reopen(this.get(number), folder, writes);
    }
  }

  /** @throws FileError when the guest has no such number */
  get(number: number): Fid {
    const fid = this.all.get(number);
    if (!fid) throw new FileError('EBADF');
    return fid;
  }

  /** @throws FileError when the number is in use, or there are too many */
  add(number: number, path: Path): void {
    if (this.all.has(number)) throw new FileError('EBADF');
    if (this.all.size >= MOST_FIDS) throw new FileError('EMFILE');
    this.all.set(number, { path });
  }

  /** Before a file is opened. @throws FileError when there are too many */
  reserveFile(): void {
    if (this.files >= MOST_OPEN_FILES) throw new FileError('EMFILE');
  }

  open(fid: Fid, file: OpenFile, writes: boolean): void {
    this.files++;
    fid.file = file;
    fid.writes = writes;
  }

  /** @throws FileError when there are too many names */
  list(fid: Fid, names: readonly string[]): void {
    this.forgetNames(fid);
    if (this.names + names.length > MOST_NAMES) throw new FileError('EMFILE');
    this.names += names.length;
    fid.names = names;
  }

  remove(number: number): void {
    const fid = this.get(number);
    this.all.delete(number);
    this.forgetNames(fid);
    if (!fid.file) return;
    this.files--;
    fid.file.close();
  }

  clear(): void {
    for (const number of [...this.all.keys()]) this.remove(number);
  }

  /** What lay at a path, or below it, lies elsewhere now. */
  moved(from: Path, to: Path): void {
    for (const fid of this.all.values()) {
      const isWithin = from.every((name, index) => fid.path[index] === name);
      if (isWithin) fid.path = [...to, ...fid.path.slice(from.length)];
    }
  }

  private reopen(fid: Fid, folder: SharedFolder, writes: boolean): void {
    try {
      this.reserveFile();
      this.open(fid, folder.open(fid.path, { write: writes && folder.writable, truncate: false }), writes);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
    }
  }

  private forgetNames(fid: Fid): void {
    this.names -= fid.names?.length ?? 0;
    fid.names = undefined;
  }
}
