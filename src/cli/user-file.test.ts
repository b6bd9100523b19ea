// Files that the user named: what goes where, and what is said of those that cannot be read.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileError, finishReading, UserFile } from './user-file';

describe('UserFile', () => {
  let folder: string;
  let path: string;
  const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index % 251);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hypocaust-'));
    path = join(folder, 'kernel');
    writeFileSync(path, bytes);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('has the beginning at once, and writes all to where it is wanted', async () => {
    const file = new UserFile(path, 'kernel');
    assert.deepEqual([file.length, file.head], [1000, bytes.slice(0, 64)]);
    const memory = new Uint8Array(1100);
    file.writeTo(memory.subarray(50, 1050));
    await finishReading();
    assert.deepEqual(memory, new Uint8Array([...new Uint8Array(50), ...bytes, ...new Uint8Array(50)]));
    assert.deepEqual(new Uint8Array(file.bytes()), bytes);
  });

  it('is read at once where little is known of it before, as of short files and pipes', () => {
    writeFileSync(path, bytes.subarray(0, 10));
    const file = new UserFile(path, 'kernel');
    rmSync(path);
    const memory = new Uint8Array(10);
    file.writeTo(memory);
    const read = [file.length, new Uint8Array(file.head), memory, new Uint8Array(file.bytes())];
    assert.deepEqual(read, [10, bytes.slice(0, 10), bytes.slice(0, 10), bytes.slice(0, 10)]);
  });

  it('is read in pieces when it is long', async () => {
    const long = new Uint8Array(9_000_001);
    for (let index = 0; index < long.length; index++) long[index] = (index >>> 11) ^ index;
    writeFileSync(path, long);
    const memory = new Uint8Array(long.length);
    new UserFile(path, 'kernel').writeTo(memory);
    await finishReading();
    assert.equal(Buffer.compare(memory, long), 0);
  });

  it('says what is wrong with a file', async () => {
    const refused = (use: () => Promise<unknown>, message: RegExp) =>
      assert.rejects(use, (error) => error instanceof FileError && message.test(error.message));
    const file = new UserFile(path, 'initial RAM disk');
    const reading = async () => {
      file.writeTo(new Uint8Array(1000));
      await finishReading();
    };
    truncateSync(path, 500);
    await refused(reading, /RAM disk .*kernel cannot be read: it became shorter while it was read\.$/);
    rmSync(path);
    await refused(reading, /kernel cannot be read: there is no such file; check the path\.$/);
    await refused(async () => new UserFile(folder, 'kernel'), /cannot be read: this is a folder; name a file in it\.$/);
  });
});
