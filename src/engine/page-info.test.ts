// Pages that become code: stores to them leave the fast path, and translations stay where no TLB can have the page for stores.
import assert from 'node:assert/strict';
import { TestHost } from '../../test/support/engine-host';
import { LOAD } from './host';
import * as at from './layout';
import { PageInfo } from './page-info';
import { DRAM_BASE } from './physical-memory';

const PAGE_SIZE = 0x1000;
const [A0, A1] = [10, 11];
const USUAL = 0xcfn;
const [ROOT, MIDDLE, LAST] = [0x80100000, 0x80101000, 0x80102000];

describe('pages that TLBs may have for stores', () => {
  it('are those marked since all TLBs were emptied, however often', () => {
    const info = new PageInfo(new ArrayBuffer(at.RAM));
    const [page, other] = [DRAM_BASE + 5 * PAGE_SIZE, DRAM_BASE + 6 * PAGE_SIZE];
    for (let i = 0; i < 1000; i++) {
      assert.ok(!info.isStorable(page) && !info.isStorable(other));
      if (i % 300 === 0) info.markStorable(page);
      assert.equal(info.isStorable(page), i % 300 === 0);
      assert.ok(!info.isStorable(other));
      info.noneStorable();
    }
  });
});

/** The first 2 MiB of DRAM where they are, by page tables that generated code walks. */
function walkInGeneratedCode({ engine }: TestHost): void {
  const { memory } = engine;
  const pointer = (hpa: number): bigint => ((BigInt(hpa) >> 12n) << 10n) | 1n;
  memory.write64(ROOT + 2 * 8, pointer(MIDDLE));
  memory.write64(MIDDLE, pointer(LAST));
  for (let page = 0; page < 512; page++) memory.write64(LAST + page * 8, pointer(DRAM_BASE + page * PAGE_SIZE) | USUAL);
  const context = engine.context(0);
  context.setOpenMemory(DRAM_BASE, 1 << 21);
  const plain = { levels: 3, root: ROOT, user: 'never' } as const;
  context.selectTlb({ key: context.newTlbKey(), plain }, { key: context.newTlbKey(), plain });
}

const withoutTables = (): void => undefined;

for (const map of [withoutTables, walkInGeneratedCode]) {
  describe(`a page that becomes code (${map === withoutTables ? 'translated by the host' : 'walked in generated code'})`, () => {
    it('is out of reach of stores that its TLB entry allowed', () => {
      const host = new TestHost(`
          li s0, 0x80001000
          sd zero, 0x400(s0)
          jalr ra, 0(s0)
          li t2, 0x00250513
          sw t2, 0(s0)
          jalr ra, 0(s0)
          .word 0
          .balign 4096
          addi a0, a0, 1
          ret`);
      map(host);
      host.engine.run(100);
      assert.equal(host.x(A0), 3n);
    });

    it('leaves the translations of others as they are', () => {
      const pages = 50;
      const host = new TestHost(`
          li s0, 0x80001000
          li s1, ${0x80002000 + pages * PAGE_SIZE}
          li s2, 0x80002000
        again:
          ld t0, 0(s0)
          add a1, a1, t0
          jalr ra, 0(s2)
          li t0, 0x1000
          add s2, s2, t0
          bne s2, s1, again
          .word 0`);
      const { engine } = host;
      engine.memory.write64(0x80001000, 5n);
      // addi a0, a0, 1; ret
      for (let i = 0; i < pages; i++) engine.memory.write64(0x80002000 + i * PAGE_SIZE, 0x00008067_00150513n);
      map(host);
      let loads = 0;
      const translate = host.translate.bind(host);
      host.translate = (...args) => ((loads += args[2] === LOAD ? 1 : 0), translate(...args));
      host.engine.run(20 * pages);
      assert.deepEqual([host.x(A0), host.x(A1)], [BigInt(pages), BigInt(5 * pages)]);
      assert.ok(loads <= 1, `${loads} translations of one page`);
    });
  });
}
