import assert from 'node:assert/strict';
import { RAM } from '../engine/layout';
import { LOAD, FETCH, STORE } from '../engine/host';
import { PhysicalMemory } from '../engine/physical-memory';
import { walkPageTable } from '../machine/walk';
import { HostTables } from './host-tables';
import { HYPERVISOR_BASE, POOL_START, TRAMPOLINE, TRAMPOLINE_PAGE, TRAP_CONTEXT } from './layout';
import { PagePool } from './page-pool';

describe("the hypervisor's own page tables", () => {
  const dram = 0x0a20_1000;
  const memory = new PhysicalMemory(new ArrayBuffer(RAM + dram), dram, () => {});
  const pool = new PagePool(memory, POOL_START, POOL_START + 0x10_0000);
  const tables = new HostTables(memory, pool);
  const walk = (hva: bigint, access: 0 | 1 | 2 = LOAD) =>
    walkPageTable(hva, access, tables.context, (address) => memory.read64(address));

  it('map DRAM one to one, by the largest pages that fit', () => {
    const inside = walk(0x8123_4567n);
    assert.ok(inside.ok);
    assert.equal(inside.address, 0x8123_4567);
    assert.equal(inside.level, 1);
    const last = walk(0x8a20_0ff8n, STORE);
    assert.ok(last.ok);
    assert.equal(last.level, 0);
    assert.equal(walk(0x8a20_1000n).ok, false, 'the end of DRAM');
    assert.equal(walk(0x1000_0000n).ok, false);
  });

  it('map the trampoline and the trap context at the top', () => {
    const trampoline = walk(TRAMPOLINE, FETCH);
    assert.equal(trampoline.ok && trampoline.address, TRAMPOLINE_PAGE);
    assert.equal(walk(TRAMPOLINE, STORE).ok, false);
    for (const page of [pool.allocate(), pool.allocate()]) {
      tables.mapTrapContext(page);
      const context = walk(TRAP_CONTEXT + 8n, STORE);
      assert.equal(context.ok && context.address, page + 8);
      assert.equal(tables.trapContext, page);
    }
    assert.equal(walk(TRAP_CONTEXT, FETCH).ok, false);
  });

  it("lie in the hypervisor's part", () => {
    assert.ok(tables.root > HYPERVISOR_BASE && tables.root < pool.end);
  });
});
