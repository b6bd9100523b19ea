import assert from 'node:assert/strict';
import { TestHost } from '../../test/support/engine-host';

const BASE = 0x8000_0000n;
/** Loads from a device, and again. */
const source = `
    li s0, 0x40000000
    lw a0, 0(s0)
    lw a1, 4(s0)
    sw a1, 8(s0)
    wfi
    lw a2, 4(s0)
    sw a2, 12(s0)
    .word 0`;

function run(between: (host: TestHost) => void): { host: TestHost; translations: number } {
  const host = new TestHost(source);
  host.mapped.set(0x40000, 0x10000);
  let translations = 0;
  const translate = host.translate.bind(host);
  host.translate = (low, ...args) => {
    if (low >>> 28 === 4) translations++;
    return translate(low, ...args);
  };
  host.onSystem = () => (between(host), 'next');
  host.engine.run(100);
  return { host, translations };
}

describe('pages of devices', () => {
  it('are translated once for each kind of access', () => {
    const { host, translations } = run(() => {});
    assert.equal(translations, 2);
    assert.deepEqual(host.device, [
      'read4 10000000',
      'read4 10000004',
      'write4 10000008 f4f5f6f7',
      'read4 10000004',
      'write4 1000000c f4f5f6f7',
    ]);
  });

  for (const [what, drop] of [
    ['all translations are dropped', (host: TestHost) => host.engine.flushTlb()],
    ['their translation is dropped', (host: TestHost) => host.engine.context(0).flushTlbPage(0x40000000, 0)],
  ] as const) {
    it(`are translated anew when ${what}`, () => {
      const { host, translations } = run((running) => {
        running.mapped.set(0x40000, Number(BASE >> 12n) + 1);
        drop(running);
      });
      assert.equal(translations, 4);
      assert.equal(host.device.length, 3);
      assert.equal(host.x(12), 0n);
    });
  }

  it('belong to the address space', () => {
    const other = { key: 8 * 77 };
    const { host } = run((running) => {
      running.mapped.set(0x40000, Number(BASE >> 12n) + 1);
      running.engine.context(0).selectTlb(other, other);
    });
    assert.equal(host.device.length, 3);
    assert.equal(host.x(12), 0n);
  });

  it('give single bytes to devices that have a short way for them', () => {
    const host = new TestHost(`
      li s0, 0x40000000
      li a1, -2
      sb a1, 0(s0)
      sb a1, 1(s0)
      lb a0, 2(s0)
      lbu a2, 3(s0)
      lb x0, 4(s0)
      lb a3, 16(s0)
      lh a4, 2(s0)
      .word 0`);
    host.mapped.set(0x40000, 0x10000);
    const told: string[] = [];
    const byteAccess = {
      read: (offset: number) => (told.push(`read ${offset}`), 0x80 + offset),
      write: (offset: number, value: number) => void told.push(`write ${offset} ${value}`),
    };
    Object.assign(host, { byteDevice: () => ({ base: 0x10000000, size: 16, byteAccess }) });
    host.engine.run(100);
    // The first access of each kind is an access like all others.
    assert.deepEqual(told, ['write 1 254', 'read 3', 'read 4']);
    assert.deepEqual(host.device, ['write1 10000000 fe', 'read1 10000002', 'read1 10000010', 'read2 10000002']);
    assert.equal(host.x(12), 0x83n);
    assert.equal(host.x(0), 0n);
  });
});
