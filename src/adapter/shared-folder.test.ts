// A folder shared by 9P: what a guest's messages do to it, and that none of them gets out.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Random } from '../../test/support/random';
import { restoreState, saveState } from '../engine/state-transfer';
import { ERRNO } from '../machine/devices/virtio/9p/file-system';
import { MessageReader, MessageWriter } from '../machine/devices/virtio/9p/message';
import { Server } from '../machine/devices/virtio/9p/server';
import { openSharedFolder, ShareError } from './shared-folder';

const T = {
  statfs: 8,
  open: 12,
  create: 14,
  symlink: 16,
  rename: 20,
  readLink: 22,
  attributes: 24,
  setAttributes: 26,
  attributeWalk: 30,
  attributeCreate: 32,
  list: 40,
  sync: 50,
  makeFolder: 72,
  renameAt: 74,
  unlink: 76,
  version: 100,
  attach: 104,
  walk: 110,
  read: 116,
  write: 118,
  clunk: 120,
  remove: 122,
} as const;

const ROOT = 1;

/** Makes a folder a link that leads out, and a folder again, over and over. */
const SWAPPER = `
  const { renameSync, symlinkSync, unlinkSync } = require('node:fs');
  const { folder, stop } = require('node:worker_threads').workerData;
  while (Atomics.load(stop, 0) === 0) {
    renameSync(folder, folder + '-was');
    symlinkSync('..', folder);
    unlinkSync(folder);
    renameSync(folder + '-was', folder);
    Atomics.store(stop, 1, 1);
  }
`;

/** A guest's side: sends messages, and reads what comes back. */
class Client {
  constructor(readonly server: Server) {
    this.send(T.version, (m) => m.u32(65_536).text('9P2000.L'));
    this.send(T.attach, (m) => m.u32(ROOT).u32(0xffff_ffff).text('').text('').u32(0));
  }

  /** The answer without its header, or the name of an error. */
  send(type: number, fill: (message: MessageWriter) => unknown, room = 65_536): MessageReader | string {
    const body = new MessageWriter();
    fill(body);
    const message = Uint8Array.from([0, 0, 0, 0, type, 7, 0, ...body.bytes]);
    new DataView(message.buffer).setUint32(0, message.length, true);
    const answer = this.server.answer(message, room);
    const view = new DataView(answer.buffer);
    assert.equal(view.getUint32(0, true), answer.length);
    assert.ok(answer.length <= room);
    if (answer[4] === type + 1) return new MessageReader(answer);
    assert.equal(answer[4], 7);
    const code = view.getUint32(7, true);
    return Object.entries(ERRNO).find(([, number]) => number === code)![0];
  }

  walk(to: number, ...names: readonly string[]): number | string {
    const answer = this.send(T.walk, (m) =>
      names.reduce((all, name) => all.text(name), m.u32(ROOT).u32(to).u16(names.length)),
    );
    return typeof answer === 'string' ? answer : answer.u16();
  }

  open(fid: number, flags = 0): string {
    const answer = this.send(T.open, (m) => m.u32(fid).u32(flags));
    return typeof answer === 'string' ? answer : 'ok';
  }

  read(fid: number, offset = 0n, count = 1000): string {
    const answer = this.send(T.read, (m) => m.u32(fid).u64(offset).u32(count));
    return typeof answer === 'string' ? answer : Buffer.from(answer.data(answer.u32())).toString();
  }

  write(fid: number, text: string, offset = 0n): string | number {
    const bytes = Buffer.from(text);
    const answer = this.send(T.write, (m) => m.u32(fid).u64(offset).u32(bytes.length).data(bytes));
    return typeof answer === 'string' ? answer : answer.u32();
  }

  list(fid: number): string[] {
    const names: string[] = [];
    for (let offset = 0n; ;) {
      const answer = this.send(T.list, (m) => m.u32(fid).u64(offset).u32(80));
      assert.ok(typeof answer !== 'string');
      let left = answer.u32();
      if (left === 0) return names.sort();
      while (left > 0) {
        answer.data(13);
        offset = answer.u64();
        answer.u8();
        const name = answer.text();
        names.push(name);
        left -= 24 + Buffer.from(name).length;
      }
    }
  }

  /** Sends something that is answered without contents. */
  ok(type: number, fill: (message: MessageWriter) => unknown): string {
    const answer = this.send(type, fill);
    return typeof answer === 'string' ? answer : 'ok';
  }
}

describe('A shared folder', () => {
  let outer: string;
  let root: string;
  beforeEach(() => {
    outer = mkdtempSync(join(tmpdir(), 'share-'));
    root = join(outer, 'shared');
    mkdirSync(join(root, 'sub'), { recursive: true });
    writeFileSync(join(outer, 'secret'), 'secret');
    writeFileSync(join(root, 'file'), 'contents');
    writeFileSync(join(root, 'sub', 'below'), 'deeper');
    symlinkSync('../secret', join(root, 'relative'));
    symlinkSync(join(outer, 'secret'), join(root, 'absolute'));
    symlinkSync('..', join(root, 'out'));
    symlinkSync('sub', join(root, 'inside'));
  });
  afterEach(() => rmSync(outer, { recursive: true }));

  const client = (writable = false) => new Client(new Server(openSharedFolder(root, writable)));

  it('is read by name, in parts, and listed', () => {
    const guest = client();
    assert.equal(guest.walk(2, 'sub', 'below'), 2);
    assert.equal(guest.open(2), 'ok');
    assert.equal(guest.read(2), 'deeper');
    assert.equal(guest.read(2, 4n, 1), 'e');
    assert.equal(guest.read(2, 6n), '');
    assert.equal(guest.read(2, 1n << 63n), '');
    assert.equal(guest.walk(3), 0);
    assert.equal(guest.open(3, 0o200000), 'ok');
    assert.deepEqual(guest.list(3), ['.', '..', 'absolute', 'file', 'inside', 'out', 'relative', 'sub']);
    const answer = guest.send(T.attributes, (m) => m.u32(2).u64(0x3fffn));
    assert.ok(typeof answer !== 'string');
    answer.data(8 + 13);
    assert.equal(answer.u32(), lstatSync(join(root, 'sub', 'below')).mode);
    answer.data(4 + 4 + 8 + 8);
    assert.equal(answer.u64(), 6n);
    assert.equal(guest.walk(4, 'sub', 'none', 'x'), 1);
    assert.equal(guest.walk(4, 'none'), 'ENOENT');
    assert.equal(guest.open(2), 'EBADF');
    assert.equal(
      guest.ok(T.clunk, (m) => m.u32(2)),
      'ok',
    );
    assert.equal(guest.read(2), 'EBADF');
    assert.equal(
      guest.ok(T.statfs, (m) => m.u32(ROOT)),
      'ok',
    );
  });

  it('is left by no name and no link', () => {
    const guest = client(true);
    assert.equal(guest.walk(2, '..', '..', 'secret'), 2, 'the root is above itself');
    for (const name of ['', '.', '../secret', '/etc/passwd', 'sub/below', 'a\0b']) {
      assert.equal(guest.walk(3, name), 'EINVAL', JSON.stringify(name));
      assert.equal(
        guest.ok(T.makeFolder, (m) => m.u32(ROOT).text(name).u32(0o700).u32(0)),
        'EINVAL',
      );
    }
    assert.equal(
      guest.ok(T.makeFolder, (m) => m.u32(ROOT).text('..').u32(0o700).u32(0)),
      'EINVAL',
    );
    for (const [index, name] of ['relative', 'absolute', 'out', 'inside'].entries()) {
      const fid = 10 + index;
      assert.equal(guest.walk(fid, name), 1);
      assert.equal(guest.open(fid), 'ELOOP', name);
      assert.equal(guest.walk(20, name, 'secret'), 1, name);
      assert.equal(guest.walk(20, name, 'below'), 1, name);
      assert.equal(
        guest.ok(T.setAttributes, (m) => m.u32(fid).u32(8).data(new Uint8Array(52))),
        'EPERM',
      );
    }
    const link = guest.send(T.readLink, (m) => m.u32(10));
    assert.ok(typeof link !== 'string' && link.text() === '../secret');
    assert.equal(
      guest.ok(T.symlink, (m) => m.u32(ROOT).text('new').text('/etc/passwd').u32(0)),
      'EPERM',
    );
    // A folder that becomes a link after the guest has been in it.
    assert.equal(guest.walk(30, 'sub'), 1);
    assert.equal(guest.walk(31, 'sub', 'below'), 2);
    renameSync(join(root, 'sub'), join(root, 'was'));
    symlinkSync('..', join(root, 'sub'));
    assert.equal(guest.open(31), 'ENOTDIR');
    assert.equal(
      guest.ok(T.create, (m) => m.u32(30).text('made').u32(0).u32(0o600).u32(0)),
      'ENOTDIR',
    );
    assert.equal(
      guest.ok(T.list, (m) => m.u32(30).u64(0n).u32(500)),
      'ENOTDIR',
    );
    assert.deepEqual(readdirSync(outer).sort(), ['secret', 'shared']);
    assert.equal(readFileSync(join(outer, 'secret'), 'utf8'), 'secret');
  });

  it('is not left while somebody on the host turns a folder into a link and back all the time', async function () {
    if (process.platform !== 'linux') this.skip();
    writeFileSync(join(root, 'sub', 'secret'), 'inside');
    const stop = new Int32Array(new SharedArrayBuffer(8));
    const swapping = new Worker(SWAPPER, { eval: true, workerData: { folder: join(root, 'sub'), stop } });
    const ended = new Promise((resolve) => swapping.on('exit', resolve));
    const guest = client(true);
    const answers = new Set<string>();
    try {
      while (Atomics.load(stop, 1) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      for (let round = 0; round < 1500; round++) {
        const fid = 100 + round;
        guest.walk(fid, 'sub', 'secret');
        const flags = round % 3 === 0 ? 0o1001 : 2;
        if (guest.open(fid, flags) === 'ok') {
          answers.add(guest.read(fid));
          guest.write(fid, 'inside');
        }
        guest.ok(T.clunk, (m) => m.u32(fid));
        if (guest.walk(fid, 'sub') !== 1) continue;
        guest.ok(T.setAttributes, (m) => m.u32(fid).u32(1).u32(0o711).data(new Uint8Array(48)));
        guest.ok(T.makeFolder, (m) => m.u32(fid).text('folder').u32(0o700).u32(0));
        guest.ok(T.renameAt, (m) => m.u32(ROOT).text('file').u32(fid).text('moved'));
        guest.ok(T.renameAt, (m) => m.u32(fid).text('moved').u32(ROOT).text('file'));
        guest.ok(T.unlink, (m) => m.u32(fid).text('folder').u32(0x200));
        guest.ok(T.create, (m) => m.u32(fid).text('made').u32(2).u32(0o600).u32(0));
        guest.ok(T.clunk, (m) => m.u32(fid));
      }
    } finally {
      Atomics.store(stop, 0, 1);
      await ended;
    }
    assert.deepEqual(
      [...answers].filter((text) => text !== 'inside' && text !== ''),
      [],
    );
    assert.deepEqual(readdirSync(outer).sort(), ['secret', 'shared']);
    assert.equal(readFileSync(join(outer, 'secret'), 'utf8'), 'secret');
    assert.equal(lstatSync(outer).mode & 0o777, 0o700);
  });

  it('has no extended attributes, and says so as file systems do that have none', () => {
    const guest = client(true);
    guest.walk(2, 'file');
    for (const name of ['', 'security.capability', 'user.x']) {
      assert.equal(
        guest.ok(T.attributeWalk, (m) => m.u32(2).u32(3).text(name)),
        'EOPNOTSUPP',
      );
    }
    assert.equal(
      guest.ok(T.attributeCreate, (m) => m.u32(2).text('user.x').u64(1n).u32(0)),
      'EOPNOTSUPP',
    );
    assert.equal(guest.open(2), 'ok', 'the file is as usable as before');
  });

  it('stays as it is unless it may be changed', () => {
    const guest = client();
    guest.walk(2, 'file');
    assert.equal(guest.open(2, 1), 'EROFS');
    assert.equal(guest.open(2, 0o1000), 'EROFS');
    assert.equal(guest.open(2, 0), 'ok');
    assert.equal(guest.write(2, 'x'), 'EROFS');
    assert.equal(
      guest.ok(T.create, (m) => m.u32(ROOT).text('new').u32(0).u32(0o644).u32(0)),
      'EROFS',
    );
    assert.equal(
      guest.ok(T.unlink, (m) => m.u32(ROOT).text('file').u32(0)),
      'EROFS',
    );
    assert.equal(
      guest.ok(T.renameAt, (m) => m.u32(ROOT).text('file').u32(ROOT).text('other')),
      'EROFS',
    );
    assert.equal(
      guest.ok(T.setAttributes, (m) => m.u32(2).u32(8).data(new Uint8Array(52))),
      'EROFS',
    );
    assert.equal(
      guest.ok(T.remove, (m) => m.u32(2)),
      'EROFS',
    );
    assert.equal(readFileSync(join(root, 'file'), 'utf8'), 'contents');
  });

  it('is changed where it may be', () => {
    const guest = client(true);
    guest.walk(2, 'sub');
    assert.equal(
      guest.ok(T.create, (m) => m.u32(2).text('new').u32(2).u32(0o640).u32(0)),
      'ok',
    );
    assert.equal(guest.write(2, 'hello'), 5);
    assert.equal(guest.write(2, '!', 7n), 1);
    assert.equal(guest.read(2), 'hello\0\0!');
    assert.equal(
      guest.ok(T.sync, (m) => m.u32(2).u32(0)),
      'ok',
    );
    const path = join(root, 'sub', 'new');
    assert.equal(lstatSync(path).mode & 0o777, 0o640);
    const set = (valid: number, mode: number, size: bigint) =>
      guest.ok(T.setAttributes, (m) => m.u32(2).u32(valid).u32(mode).u64(0n).u64(size).u64(0n).u64(0n).u64(5n).u64(0n));
    assert.equal(set(1 | 8 | 32 | 256, 0o4600, 3n), 'ok');
    assert.equal(readFileSync(path, 'utf8'), 'hel');
    assert.equal(lstatSync(path).mode & 0o7777, 0o600);
    assert.equal(lstatSync(path).mtimeMs, 5000);
    assert.equal(
      guest.ok(T.renameAt, (m) => m.u32(ROOT).text('sub').u32(ROOT).text('moved')),
      'ok',
    );
    assert.equal(guest.read(2), 'hel');
    assert.equal(
      guest.ok(T.unlink, (m) => m.u32(ROOT).text('moved').u32(0x200)),
      'ENOTEMPTY',
    );
    assert.equal(
      guest.ok(T.remove, (m) => m.u32(2)),
      'ok',
    );
    assert.equal(existsSync(join(root, 'moved', 'new')), false);
    assert.equal(
      guest.ok(T.remove, (m) => m.u32(ROOT)),
      'EBUSY',
    );
  });

  it('opens ordinary files only', function () {
    try {
      execFileSync('mkfifo', [join(root, 'pipe')]);
    } catch {
      this.skip();
    }
    const guest = client();
    guest.walk(2, 'pipe');
    assert.equal(guest.open(2), 'EACCES');
  });

  it('bears any message, and stays within its bounds', () => {
    const random = new Random(3);
    const guest = client();
    const before = readdirSync(root).sort();
    for (let round = 0; round < 3000; round++) {
      const type = random.pick([...Object.values(T), random.below(256)]);
      guest.server.answer(
        Uint8Array.from([
          0,
          0,
          0,
          0,
          type,
          1,
          0,
          ...Array.from({ length: random.below(80) }, () => random.pick([0, 1, 2, random.below(256)])),
        ]),
        random.pick([11, 12, 100, 65_536]),
      );
    }
    assert.deepEqual(readdirSync(root).sort(), before);
    const many = client();
    let refused: string | number = 0;
    for (let fid = 2; fid < 10_000 && typeof refused === 'number'; fid++) refused = many.walk(fid);
    assert.equal(refused, 'EMFILE');
    const files = client();
    let opened = 'ok';
    let count = 0;
    for (; opened === 'ok' && count < 2000; count++) {
      files.walk(count + 2, 'file');
      opened = files.open(count + 2);
    }
    assert.equal(opened, 'EMFILE');
    files.server.reset();
  });

  it('goes on from a snapshot', () => {
    const guest = client();
    guest.walk(2, 'file');
    guest.open(2);
    guest.walk(3, 'sub');
    guest.open(3);
    assert.deepEqual(guest.list(3), ['.', '..', 'below']);
    const other = client();
    restoreState(other.server, saveState(guest.server));
    assert.equal(other.read(2), 'contents');
    assert.deepEqual(other.list(3), ['.', '..', 'below']);
  });

  it('says what is wrong in one sentence', () => {
    for (const [path, message] of [
      [join(outer, 'none'), /none cannot be shared: there is no such folder; check the path\.$/],
      [join(outer, 'secret'), /secret cannot be shared: it is no folder; /],
    ] as const) {
      assert.throws(
        () => openSharedFolder(path, false),
        (error) => error instanceof ShareError && message.test(error.message),
      );
    }
  });
});
