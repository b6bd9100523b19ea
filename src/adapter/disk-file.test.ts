// Files as disks: what is kept, what is not, and what a user hears.
import assert from 'node:assert/strict';
import fs, { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { restoreState, saveState } from '../engine/state-transfer';
import { openDisk, refuseSharedDisks } from './disk-file';
import { lockDisk } from './disk-lock';

describe('openDisk', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'disk-'))));
  after(() => rmSync(folder, { recursive: true }));

  function image(bytes: number): string {
    const path = join(folder, `${bytes}.img`);
    writeFileSync(path, new Uint8Array(bytes).fill(7));
    return path;
  }

  it('leaves a file as it is, unless it may be written', () => {
    const path = image(2048);
    const sector = new Uint8Array(512).fill(9);
    const back = new Uint8Array(1024);
    const disk = openDisk(path, false);
    assert.equal(disk.readOnly, false);
    disk.write(1, sector);
    disk.flush();
    disk.read(1, back);
    assert.deepEqual([back[0], back[511], back[512]], [9, 9, 7]);
    assert.ok(readFileSync(path).every((byte) => byte === 7));

    const writable = openDisk(path, true);
    writable.write(1, sector);
    writable.clear(3, 1);
    writable.flush();
    const written = readFileSync(path);
    assert.deepEqual([written[511], written[512], written[1024], written[1536], written.length], [7, 9, 7, 0, 2048]);
  });

  it('fills up the last sector', () => {
    const disk = openDisk(image(700), false);
    assert.equal(disk.sectors, 2);
    const all = new Uint8Array(1024).fill(1);
    disk.read(0, all);
    assert.deepEqual([all[699], all[700], all[1023]], [7, 0, 0]);
  });

  it('is not opened while another process writes it', () => {
    const path = image(1536);
    const lock = `${path}.lock`;
    // The parent of this process lives.
    writeFileSync(lock, `${process.ppid}\n`);
    const message = new RegExp(
      `1536\\.img is being written by process ${process.ppid}; end that, or .* remove .*\\.lock\\.$`,
    );
    for (const writable of [true, false]) assert.throws(() => openDisk(path, writable), message);
    assert.equal(readFileSync(lock, 'utf8'), `${process.ppid}\n`);
    // One that is no more does not count, nor does a damaged lock.
    for (const [index, content] of ['999999999\n', 'nonsense'].entries()) {
      const other = image(2560 + 512 * index);
      writeFileSync(`${other}.lock`, content);
      openDisk(other, false);
      openDisk(other, true);
      assert.equal(readFileSync(`${other}.lock`, 'utf8'), `${process.pid}\n`);
      assert.doesNotThrow(() => openDisk(other, true), 'a session that starts anew');
      const release = lockDisk(other);
      release();
      release();
      assert.ok(existsSync(`${other}.lock`));
    }
  });

  it('is one disk only where it is written', () => {
    const file = image(512);
    refuseSharedDisks([
      { file, writable: false },
      { file, writable: false },
    ]);
    assert.throws(
      () =>
        refuseSharedDisks([
          { file, writable: false },
          { file: join(folder, '.', '512.img'), writable: true },
        ]),
      /512\.img is two disks, and one of them may be written; make a copy\.$/,
    );
  });

  it('is in a snapshot when it holds the same again', () => {
    const path = join(folder, 'snapshot.img');
    const holding = Uint8Array.from({ length: 3 << 20 }, (_, i) => i >> 11);
    writeFileSync(path, holding);
    const whole = (writable: boolean) => ({
      disk: openDisk(path, writable),
      state: saveState(openDisk(path, writable)),
    });
    for (const writable of [true, false]) {
      const { disk, state } = whole(writable);
      restoreState(disk, state);
      disk.write(3000, new Uint8Array(512).fill(0x11));
      const other = openDisk(path, writable);
      if (!writable) {
        // It is beside the file, and forgotten.
        restoreState(disk, state);
        const back = new Uint8Array(512);
        disk.read(3000, back);
        assert.deepEqual(back, holding.slice(3000 * 512, 3001 * 512));
        restoreState(other, state);
        writeFileSync(
          path,
          holding.map((byte) => byte ^ 1),
        );
      }
      const changed = openDisk(path, writable);
      for (const each of writable ? [disk, other, changed] : [changed]) {
        assert.throws(
          () => restoreState(each, state),
          /snapshot\.img does not hold what it held when the snapshot was taken; put that back( \(copy it whenever you take one\))?\.$/,
        );
      }
      disk.write(3000, holding.slice(3000 * 512, 3001 * 512));
      writeFileSync(path, holding);
      restoreState(openDisk(path, writable), state);
      restoreState(disk, state);
    }
  });

  it('tells of a full disk, and goes on when there is room again', () => {
    const path = image(4096);
    const disk = openDisk(path, true);
    const sector = new Uint8Array(512).fill(1);
    const { writeSync } = fs;
    fs.writeSync = () => {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    };
    try {
      const message =
        /^The disk image .*4096\.img cannot be written: the host's disk is full; make room, and have the guest write again\.$/;
      assert.throws(() => disk.write(2, sector), { name: 'StorageError', message });
      assert.throws(() => disk.clear(0, 4), { name: 'StorageError', message });
    } finally {
      fs.writeSync = writeSync;
    }
    disk.write(2, sector);
    assert.equal(readFileSync(path)[1024], 1);
  });

  it('says what is wrong in one sentence', () => {
    const empty = image(0);
    assert.throws(
      () => openDisk(join(folder, 'none.img'), false),
      /none\.img cannot be opened: there is no such file; /,
    );
    assert.throws(() => openDisk(folder, false), /cannot be opened: it is a folder; /);
    assert.throws(() => openDisk(empty, true), /cannot be opened: it is empty; /);
    assert.throws(
      () => openDisk(image(700), true),
      /700\.img cannot be opened: its 700 bytes are no whole number of sectors, .*; lengthen it by "truncate -s %512 FILE"\.$/,
    );
    assert.throws(() => openDisk('/dev/null', false), /cannot be opened: it is no ordinary file; /);
  });
});
