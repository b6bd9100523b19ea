/** A shared folder in memory, flat, for tests of devices without a file system. */
import type { FileAttributes, OpenFile, Path, SharedFolder } from '../../src/machine/devices/virtio/9p/file-system';
import { FileError } from '../../src/machine/devices/virtio/9p/file-system';

export class MemoryFolder implements SharedFolder {
  readonly writable = true;
  private readonly files = new Map<string, Uint8Array>([['file', new Uint8Array(5000)]]);

  attributes(path: Path): FileAttributes {
    if (path.length === 0) return attributes('folder', 0);
    return attributes('file', this.contents(path).length);
  }

  list(): readonly string[] {
    return [...this.files.keys()];
  }

  readLink(): never {
    throw new FileError('EINVAL');
  }

  open(path: Path): OpenFile {
    this.contents(path);
    return {
      attributes: () => this.attributes(path),
      read: (offset, target) => {
        const part = this.contents(path).subarray(offset, offset + target.length);
        target.set(part);
        return part.length;
      },
      write: () => {
        throw new FileError('ENOSPC');
      },
      sync: () => undefined,
      close: () => undefined,
    };
  }

  create(path: Path): OpenFile {
    if (this.files.size > 50) throw new FileError('ENOSPC');
    this.files.set(path.join('/'), new Uint8Array(10));
    return this.open(path);
  }

  makeFolder(): never {
    throw new FileError('ENOSPC');
  }

  remove(path: Path): void {
    if (!this.files.delete(path.join('/'))) throw new FileError('ENOENT');
  }

  rename(from: Path, to: Path): void {
    const contents = this.contents(from);
    this.files.delete(from.join('/'));
    this.files.set(to.join('/'), contents);
  }

  setAttributes(): void {
    // They are always the same.
  }

  space() {
    return { blockSize: 4096, blocks: 1n, free: 0n, available: 0n, files: 1n, freeFiles: 0n };
  }

  private contents(path: Path): Uint8Array {
    const found = this.files.get(path.join('/'));
    if (!found) throw new FileError('ENOENT');
    return found;
  }
}

function attributes(kind: 'file' | 'folder', size: number): FileAttributes {
  const mode = kind === 'file' ? 0o100644 : 0o40755;
  const times = { accessed: 0n, modified: 0n, changed: 0n };
  return {
    kind,
    mode,
    user: 0,
    group: 0,
    links: 1,
    size: BigInt(size),
    blockSize: 4096,
    blocks: 8n,
    ...times,
    identity: 1n,
  };
}
