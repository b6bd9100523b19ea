// Snapshots as files, good ones and others.
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { Random } from '../../test/support/random';
import { SnapshotError } from '../engine/state-transfer';
import { Crc32 } from './crc32';
import { Machine } from './machine';
import { readSnapshot, writeSnapshot } from './snapshot-file';

/** A machine of 1 MiB with something in its memory. */
function machine(): Machine {
  const made = new Machine({ memoryBytes: 1 << 20 });
  for (const page of [0, 1, 77, 255]) made.memory.write8(0x80000000 + page * 4096 + page, (page % 128) + 1);
  return made;
}

const encode = (made: Machine): Uint8Array => new Uint8Array(Buffer.concat([...writeSnapshot(made.takeSnapshot())]));

function decode(bytes: Uint8Array) {
  let at = 0;
  return readSnapshot({ size: bytes.length, read: (length) => bytes.slice(at, (at += length)) });
}

/** With the checksum that belongs to it. */
function sealed(bytes: Uint8Array): Uint8Array {
  const crc = new Crc32();
  crc.add(bytes.subarray(0, -4));
  const copy = bytes.slice();
  new DataView(copy.buffer).setUint32(copy.length - 4, crc.value, true);
  return copy;
}

describe('a snapshot file', () => {
  it('gives back what was written', () => {
    const made = machine();
    made.harts[0].state.setX(5, 0x1234n);
    const bytes = encode(made);
    const snapshot = decode(bytes);
    assert.deepEqual(
      [...snapshot.memory.pages()].map(([number]) => number),
      [0, 1, 77, 255],
    );
    const other = new Machine({ memoryBytes: 1 << 20 });
    other.restoreSnapshot(snapshot);
    assert.equal(other.memory.read8(0x80000000 + 77 * 4097), 78);
    assert.equal(other.harts[0].state.x(5), 0x1234n);
    assert.deepEqual(encode(other), bytes);
  });

  it('is refused in a sentence when it is something else, of another version, cut off, or damaged', () => {
    const bytes = encode(machine());
    const changed = (at: number, byte: number) => {
      const copy = bytes.slice();
      copy[at] = byte;
      return copy;
    };
    for (const [file, message] of [
      [new Uint8Array(0), /^The file is no snapshot/],
      [Buffer.from('#!/bin/sh\n'), /^The file is no snapshot/],
      [changed(8, 9), /^The snapshot is in format 9, and this version of Hypocaust reads format 1; take it anew\.$/],
      [bytes.subarray(0, 11), /^The snapshot is damaged: it is cut off/],
      [bytes.subarray(0, bytes.length - 5000), /it is cut off/],
      [bytes.subarray(0, bytes.length - 1), /it is cut off/],
      [changed(bytes.length - 100, 1), /its checksum is wrong/],
      [Buffer.concat([bytes, Buffer.of(0)]), /its checksum is wrong/],
    ] as const) {
      assert.throws(
        () => decode(file),
        (error) => error instanceof SnapshotError && message.test(error.message),
      );
    }
  });

  it('has no effect on a machine that it does not fit, whatever is in it', () => {
    const made = machine();
    const bytes = encode(made);
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(12, true);
    const random = new Random(5);
    let refused = 0;
    for (let i = 0; i < 500; i++) {
      const copy = bytes.slice();
      for (let count = 1 + random.below(4); count > 0; count--)
        copy[12 + random.below(length + 12)] = random.below(256);
      try {
        made.restoreSnapshot(decode(sealed(copy)));
        made.run(20);
      } catch (error) {
        if (!(error instanceof SnapshotError)) throw error;
        refused++;
      }
    }
    assert.ok(refused > 100 && refused < 500, `${refused}`);
    made.restoreSnapshot(decode(bytes));
    assert.deepEqual(encode(made), bytes);
  });

  it('has a checksum as zlib computes it', () => {
    // What gzip writes at the end of a file.
    const random = new Random(1);
    const bytes = Uint8Array.from({ length: 1003 }, () => random.below(256));
    const crc = new Crc32();
    crc.add(bytes.subarray(0, 13));
    crc.add(bytes.subarray(13));
    assert.equal(crc.value, gzipSync(bytes).readUInt32LE(gzipSync(bytes).length - 8));
  });
});
