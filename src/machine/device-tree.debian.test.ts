// The device tree against QEMU's for the same machine, and against the device tree compiler.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReadNode } from '../../test/support/fdt';
import { readFdt } from '../../test/support/fdt';
import { requireTool } from '../../test/support/tools';
import { buildDeviceTree } from './device-tree';

const INITRD_BYTES = 12_345;

/** Nodes that QEMU has and this machine has not (yet). */
const OTHER_NODES = /^(pmu|fw-cfg@|flash@|platform-bus@|pci@)/;
/** What differs by intent: the instruction set, and random numbers. */
const OTHER_VALUES = ['riscv,isa', 'mmu-type', 'rng-seed'];

function shared(node: ReadNode): ReadNode {
  return {
    name: node.name,
    properties: node.properties
      .filter(([name]) => name !== 'rng-seed')
      .map(([name, value]) => [name, OTHER_VALUES.includes(name) ? new Uint8Array() : new Uint8Array(value)]),
    children: node.children.filter(({ name }) => !OTHER_NODES.test(name)).map(shared),
  };
}

function ourTree(harts: number): Uint8Array {
  return buildDeviceTree({
    memoryBase: 0x80000000,
    memoryBytes: 128 << 20,
    harts,
    isa: 'rv64imac_zicsr_zifencei',
    bootargs: 'console=ttyS0 quiet',
    initrd: { start: 0x84200000, end: 0x84200000 + INITRD_BYTES },
  });
}

describe('buildDeviceTree against other tools', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'device-tree-'))));
  after(() => rmSync(folder, { recursive: true }));

  for (const harts of [1, 2, 8]) {
    it(`has QEMU's nodes and properties, ${harts} harts`, function () {
      const qemu = requireTool('qemu-system-riscv64', this);
      const file = (name: string) => join(folder, name);
      writeFileSync(file('kernel'), Uint8Array.of(0x6f, 0, 0, 0));
      writeFileSync(file('initrd'), new Uint8Array(INITRD_BYTES));
      const machine = ['-machine', `virt,dumpdtb=${file('qemu.dtb')}`, '-smp', `${harts}`, '-m', '128M'];
      const program = ['-kernel', file('kernel'), '-initrd', file('initrd'), '-append', 'console=ttyS0 quiet'];
      execFileSync(qemu, [...machine, ...program, '-display', 'none', '-serial', 'null'], { stdio: 'ignore' });
      assert.deepEqual(shared(readFdt(ourTree(harts))), shared(readFdt(readFileSync(file('qemu.dtb')))));
    });
  }

  it('is read by the device tree compiler, and comes back byte for byte', function () {
    const dtc = requireTool('dtc', this);
    const blob = ourTree(1);
    const source = spawnSync(dtc, ['-I', 'dtb', '-O', 'dts', '-q'], { input: blob });
    assert.equal(source.status, 0, source.stderr.toString());
    const again = spawnSync(dtc, ['-I', 'dts', '-O', 'dtb', '-q'], { input: source.stdout });
    assert.equal(again.status, 0, again.stderr.toString());
    assert.deepEqual(readFdt(new Uint8Array(again.stdout)), readFdt(blob));
  });
});
