// The device tree reader: what the writer wrote comes back, and damage ends in a sentence.
import assert from 'node:assert/strict';
import { fdtText, readFdt as readByTest } from '../../test/support/fdt';
import { Random } from '../../test/support/random';
import { completeDeviceTree } from './device-tree';
import { encodeFdt } from './fdt';
import { FdtError, readFdt } from './fdt-read';

const BLOB = encodeFdt(
  {
    name: '',
    properties: { compatible: 'mine', cells: [1, 2], flag: true },
    children: [
      { name: 'soc', properties: {}, children: [{ name: 'uart@10000000', properties: { reg: [0, 0x10000000] } }] },
      { name: 'chosen', properties: { bootargs: 'old', 'stdout-path': '/soc/uart@10000000' } },
    ],
  },
  3,
  [[0x80000000n, 0x80000n]],
);

describe('readFdt', () => {
  it('reads what the writer wrote', () => {
    const { root, reservations, bootHart } = readFdt(BLOB);
    assert.deepEqual([reservations, bootHart], [[[0x80000000n, 0x80000n]], 3]);
    assert.deepEqual(encodeFdt(root, bootHart, reservations), BLOB);
  });

  it('passes over NOP tokens', () => {
    const blob = encodeFdt({ name: '', properties: { first: [0x11223344], second: [0x55667788] } });
    const view = new DataView(blob.buffer);
    const structure = view.getUint32(8);
    // The first property: token, length, name, one cell.
    for (let i = 0; i < 4; i++) view.setUint32(structure + 8 + 4 * i, 4);
    assert.deepEqual(Object.keys(readFdt(blob).root.properties), ['second']);
  });

  it('refuses what is no device tree', () => {
    assert.throws(() => readFdt(new TextEncoder().encode('/dts-v1/;'.repeat(20))), /is no flattened device tree/);
    assert.throws(() => readFdt(new Uint8Array(0)), FdtError);
    assert.throws(() => readFdt(BLOB.subarray(0, BLOB.length - 1)), /is cut off; make it anew with dtc/);
  });

  it('ends in a sentence for any damage', () => {
    const random = new Random(5);
    for (let round = 0; round < 5000; round++) {
      const blob = BLOB.slice();
      for (let i = 0; i < 3; i++) blob[random.below(blob.length)] = random.below(256);
      try {
        readFdt(blob);
      } catch (error) {
        assert.ok(error instanceof FdtError, String(error));
      }
    }
  });
});

describe('completeDeviceTree', () => {
  it('adds command line and RAM disk to the user’s tree, and keeps the rest', () => {
    const blob = completeDeviceTree(BLOB, { bootargs: 'new', initrd: { start: 0x84000000, end: 0x84001000 } });
    const { reservations, bootHart, root } = readFdt(blob);
    assert.deepEqual([reservations, bootHart], [[[0x80000000n, 0x80000n]], 3]);
    assert.deepEqual(
      fdtText(readByTest(encodeFdt(root))),
      `/ {
  compatible = "mine";
  cells = <00000001 00000002>;
  flag;
  chosen {
    bootargs = "new";
    stdout-path = "/soc/uart@10000000";
    linux,initrd-end = <84001000>;
    linux,initrd-start = <84000000>;
  };
  soc {
    uart@10000000 {
      reg = <00000000 10000000>;
    };
  };
};
`,
    );
  });

  it('keeps a command line that nothing replaces, and makes the node where it is missing', () => {
    const text = (blob: Uint8Array) => new TextDecoder('latin1').decode(blob);
    assert.match(text(completeDeviceTree(BLOB, {})), /old\0/);
    const bare = encodeFdt({ name: '', properties: {} });
    assert.match(text(completeDeviceTree(bare, { bootargs: 'x=1' })), /chosen\0[^]*x=1\0/);
  });
});
