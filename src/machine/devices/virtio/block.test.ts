// The disk: every request, good and bad, and what is kept where.
import assert from 'node:assert/strict';
import { OwnBench } from '../../../../test/support/virtio-bench';
import { REG, VirtioDriver } from '../../../../test/support/virtio-driver';
import { VirtioBlock } from './block';
import type { Storage } from './storage';
import { MemoryStorage, OverlayStorage, StorageError } from './storage';

const IN = 0;
const OUT = 1;
const FLUSH = 4;
const GET_ID = 8;
const DISCARD = 11;
const WRITE_ZEROES = 13;

function header(type: number, sector = 0): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setBigUint64(8, BigInt(sector), true);
  return bytes;
}

function segment(sector: number, count: number, flags = 0): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(sector), true);
  view.setUint32(8, count, true);
  view.setUint32(12, flags, true);
  return bytes;
}

const numbered = (sectors: number) => Uint8Array.from({ length: sectors * 512 }, (_, i) => (i >> 9) + 1);

async function setUp(storage: Storage = new MemoryStorage(numbered(8)), serial = 'disk-7') {
  const problems: string[] = [];
  const bench = new OwnBench(new VirtioBlock({ storage, serial, onProblem: (text) => problems.push(text) }), false);
  return { storage, bench, problems, driver: await VirtioDriver.start(bench) };
}

const statusOf = (data: readonly Uint8Array[]) => data[data.length - 1][0];

describe('VirtioBlock', () => {
  it('reads and writes sectors, whatever the buffers look like', async () => {
    const { driver } = await setUp();
    const { data, written } = await driver.send(0, header(IN, 2), 500, 524, 1);
    assert.equal(written, 1025);
    assert.deepEqual(Buffer.concat(data.slice(0, 2)), Buffer.from(numbered(8).subarray(1024, 2048)));
    assert.equal(statusOf(data), 0);
    const news = new Uint8Array(512).fill(0xee);
    const answer = await driver.send(0, Buffer.concat([header(OUT, 7), news.subarray(0, 12)]), news.subarray(12), 1);
    assert.equal(statusOf(answer.data), 0);
    const back = await driver.send(0, header(IN, 7), 513);
    assert.deepEqual(back.data[0], Uint8Array.of(...news, 0));
  });

  it('refuses what is outside, and parts of sectors', async () => {
    const { driver } = await setUp();
    for (const [sector, length] of [
      [8, 512],
      [7, 1024],
      [2 ** 53, 512],
      [0, 100],
    ]) {
      assert.equal(statusOf((await driver.send(0, header(IN, sector), length, 1)).data), 1);
      assert.equal(statusOf((await driver.send(0, header(OUT, sector), new Uint8Array(length), 1)).data), 1);
    }
  });

  it('flushes, and tells its name', async () => {
    const { driver } = await setUp();
    assert.equal(statusOf((await driver.send(0, header(FLUSH), 1)).data), 0);
    const { data } = await driver.send(0, header(GET_ID), 20, 1);
    assert.equal(Buffer.from(data[0]).toString(), 'disk-7'.padEnd(20, '\0'));
    assert.equal(statusOf(data), 0);
    assert.equal(statusOf((await driver.send(0, header(99), 20, 1)).data), 2);
  });

  it('clears and discards', async () => {
    const { driver, storage } = await setUp();
    const send = async (type: number, ...args: Parameters<typeof segment>) =>
      statusOf((await driver.send(0, header(type), segment(...args), 1)).data);
    assert.equal(await send(WRITE_ZEROES, 1, 2, 1), 0);
    assert.equal(await send(DISCARD, 4, 2), 0);
    assert.equal(await send(DISCARD, 4, 2, 1), 2);
    assert.equal(await send(WRITE_ZEROES, 4, 2, 2), 2);
    assert.equal(await send(WRITE_ZEROES, 7, 2), 1);
    assert.equal(await send(WRITE_ZEROES, 0, 0x80_0000), 1);
    const all = new Uint8Array(8 * 512);
    storage.read(0, all);
    assert.deepEqual(
      Array.from({ length: 8 }, (_, sector) => all[sector * 512 + 511]),
      [1, 0, 0, 4, 5, 6, 7, 8],
    );
    const two = Buffer.concat([segment(0, 1), segment(1, 1)]);
    assert.equal(statusOf((await driver.send(0, header(WRITE_ZEROES), two, 1)).data), 2);
  });

  it('says what it is', async () => {
    const { driver } = await setUp(new MemoryStorage(new Uint8Array(700), true));
    assert.equal(await driver.get(REG.config), 2, 'a part of a sector counts as one');
    assert.equal(await driver.get(REG.config + 20), 512);
    await driver.set(REG.deviceFeaturesSelect, 0);
    assert.equal((await driver.get(REG.deviceFeatures)) & 32, 32, 'read-only');
    assert.equal(statusOf((await driver.send(0, header(OUT), new Uint8Array(512), 1)).data), 1);
    await driver.set(REG.config + 0x20, 0, 1);
    assert.equal(await driver.get(REG.config + 0x20, 1), 0);
    await driver.set(REG.config + 0x20, 0xff01);
    assert.equal(await driver.get(REG.config + 0x20), 0x10001);
  });

  it('needs a reset after requests without header or status', async () => {
    for (const chain of [[header(IN).subarray(1), 1], [header(FLUSH)], [header(WRITE_ZEROES), 1]]) {
      const { bench, driver } = await setUp();
      await driver.offer(0, chain);
      await driver.set(REG.queueNotify, 0);
      assert.equal(bench.problems.length, 1);
    }
  });

  it('tells guest and user of failures of the host', async () => {
    class Broken extends MemoryStorage {
      override read(): void {
        throw new StorageError('The file is gone.');
      }
    }
    const { driver, problems } = await setUp(new Broken(numbered(8)));
    assert.equal(statusOf((await driver.send(0, header(IN), 512, 1)).data), 1);
    assert.equal(statusOf((await driver.send(0, header(IN), 512, 1)).data), 1);
    assert.deepEqual(problems, ['The file is gone.'], 'the user hears it once');
  });

  it('does so much at once, and the rest later', async () => {
    const reads: number[] = [];
    const storage: Storage = {
      sectors: 2 ** 30,
      readOnly: false,
      read: (_, { length }) => reads.push(length),
      write: () => {},
      clear: (_, count) => reads.push(count),
      flush: () => {},
      transferState: () => {},
    };
    const { bench, driver } = await setUp(storage);
    for (let i = 0; i < 4; i++)
      await driver.offer(0, [Buffer.concat([header(WRITE_ZEROES), segment(0, 4_000_000)]), 1]);
    await driver.set(REG.queueNotify, 0);
    assert.equal(reads.length, 3);
    await bench.wait();
    assert.equal(reads.length, 4);
    assert.equal(await driver.usedIndex(0), 4);
  });
});

describe('OverlayStorage', () => {
  it('keeps what is written, and leaves what is below alone', () => {
    const original = numbered(300);
    const below = new MemoryStorage(original);
    const overlay = new OverlayStorage(below);
    overlay.write(127, new Uint8Array(1024).fill(0xaa));
    overlay.clear(120, 5);
    overlay.clear(128, 128);
    overlay.write(130, new Uint8Array(512).fill(0xbb));
    overlay.clear(299, 1);
    const expected = original.slice();
    expected.fill(0xaa, 127 * 512, 128 * 512);
    expected.fill(0, 120 * 512, 125 * 512);
    expected.fill(0, 128 * 512, 256 * 512);
    expected.fill(0xbb, 130 * 512, 131 * 512);
    expected.fill(0, 299 * 512);
    const all = new Uint8Array(300 * 512);
    overlay.read(0, all);
    assert.deepEqual(all, expected);
    below.read(0, all);
    assert.deepEqual(all, original);
    assert.equal(overlay.size, 3 * 65536);
    overlay.clear(0, 128);
    assert.equal(overlay.size, 2 * 65536);
  });

  it('is full at its limit', () => {
    const overlay = new OverlayStorage(new MemoryStorage(numbered(400)), 2 * 65536);
    overlay.write(0, new Uint8Array(512));
    overlay.write(128, new Uint8Array(512));
    overlay.write(129, new Uint8Array(512));
    assert.throws(() => overlay.write(256, new Uint8Array(512)), StorageError);
    overlay.clear(256, 128);
  });
});
