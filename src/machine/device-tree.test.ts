// The device tree's text against golden files; UPDATE_GOLDEN=1 rewrites them.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fdtText, readFdt } from '../../test/support/fdt';
import type { DeviceTreeOptions } from './device-tree';
import { buildDeviceTree } from './device-tree';

const MACHINE: DeviceTreeOptions = {
  memoryBase: 0x80000000,
  memoryBytes: 0xc0000000,
  harts: 1,
  isa: 'rv64imac_zicsr_zifencei',
};

const CASES: Record<string, DeviceTreeOptions> = {
  plain: MACHINE,
  full: {
    ...MACHINE,
    harts: 2,
    memoryBytes: 0x1_0000_0000,
    mmuType: 'riscv,sv48',
    bootargs: 'console=ttyS0 root=/dev/ram',
    initrd: { start: 0x88000000, end: 0x1_0000_0000 },
    rngSeed: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    stdoutPath: '/soc/serial@10000000:115200n8',
  },
  'few-devices': { ...MACHINE, devices: ['uart'] },
  'no-devices': { ...MACHINE, devices: [] },
};

describe('buildDeviceTree', () => {
  for (const [name, options] of Object.entries(CASES)) {
    it(`describes the machine: ${name}`, () => {
      const path = join(__dirname, 'golden', `device-tree-${name}.dts`);
      const text = fdtText(readFdt(buildDeviceTree(options)));
      if (process.env.UPDATE_GOLDEN) writeFileSync(path, text);
      assert.equal(text, readFileSync(path, 'utf8'));
    });
  }
});
