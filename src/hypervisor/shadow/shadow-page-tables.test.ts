import assert from 'node:assert/strict';
import { PhysicalMemory } from '../../engine/physical-memory';
import { RAM } from '../../engine/layout';
import { PTE_A, PTE_D, PTE_R, PTE_U, PTE_V, PTE_W, PTE_X } from '../../machine/pte';
import { GuestMemory } from '../guest-memory';
import { HYPERVISOR_BASE, HYPERVISOR_END } from '../layout';
import { PagePool } from '../page-pool';
import { shadowBits } from './permissions';
import { ShadowPageTables } from './shadow-page-tables';

const GUEST_SIZE = 0x0100_0000;
const LEAF = PTE_V | PTE_R | PTE_W | PTE_U | PTE_A | PTE_D;
const satp = (asid: number): bigint => (8n << 60n) | (BigInt(asid) << 44n) | 0x80000n;

const hostAsids = { first: 1, size: 1000 };

function setUp(pages = 100) {
  const dram = 0x0a00_0000;
  const memory = new PhysicalMemory(new ArrayBuffer(RAM + dram), dram, () => {});
  const guestMemory = new GuestMemory(memory, HYPERVISOR_END, GUEST_SIZE);
  const pool = new PagePool(memory, HYPERVISOR_BASE, HYPERVISOR_BASE + pages * 0x1000);
  const flushed: string[] = [];
  const cache = {
    flushAll: () => void flushed.push('all'),
    flushPage: (low: number, high: number) => {
      flushed.push(high.toString(16) + low.toString(16).padStart(8, '0'));
    },
  };
  const shadow = new ShadowPageTables({ dram: memory, pool, cache, hostAsids }, guestMemory);
  return { memory, pool, shadow, flushed, at: (gpa: number) => gpa + guestMemory.offset };
}

const look = (view: { find(low: number, high: number): { level: number; entry: bigint } }, gva: bigint) =>
  view.find(Number(gva & 0xffffffffn), Number(gva >> 32n));

describe('shadow page tables', () => {
  it('map, replace and fence single addresses', () => {
    const { shadow, flushed, at } = setUp();
    const view = shadow.enter(0, satp(1), 'vS');
    const gva = 0xffff_ffc0_0020_3000n;
    shadow.map(view, gva, 0, 0, at(0x8000_5000), LEAF);
    assert.deepEqual(flushed, [], 'an entry that was not valid is in no cache');
    assert.equal(look(view, gva).entry, (BigInt(at(0x8000_5000)) >> 2n) | BigInt(LEAF));
    shadow.map(view, gva, 0, 0, at(0x8000_6000), LEAF);
    assert.deepEqual(flushed.splice(0), ['ffffffc000203000']);
    assert.equal(shadow.countFence(0, { gva: gva + 0x1000n }), 0);
    assert.equal(shadow.fence(0, { gva, asid: 2 }), 0, 'another ASID');
    assert.equal(shadow.countFence(0, { gva, asid: 1 }), 1);
    assert.equal(shadow.fence(0, { gva, asid: 1 }), 1);
    assert.equal(look(view, gva).entry, 0n);
    assert.deepEqual(flushed, ['ffffffc000203000']);
  });

  it('fence every piece of a guest superpage that was split', () => {
    const { shadow, flushed, at } = setUp();
    const view = shadow.enter(0, satp(1), 'vS');
    // A guest leaf of 1 GiB, of which the guest has 16 MiB: pieces of 2 MiB.
    assert.equal(shadow.levelFor(0x8020_0000, 2), 1);
    shadow.map(view, 0x8000_0000n, 1, 2, at(0x8000_0000), LEAF);
    shadow.map(view, 0x8020_0000n, 1, 2, at(0x8020_0000), LEAF);
    assert.equal(shadow.countFence(0, { gva: 0x8fff_f000n }), 2);
    assert.equal(shadow.fence(0, { gva: 0x8fff_f000n }), 2);
    assert.equal(view.leaves, 0);
    assert.deepEqual(flushed, ['all']);
  });

  it('replace pieces by a superpage, a superpage by pages, and count the leaves', () => {
    const { shadow, pool, at } = setUp();
    const view = shadow.enter(0, satp(1), 'vU');
    const before = pool.available;
    shadow.map(view, 0x4000_0000n, 0, 0, at(0x8000_0000), LEAF);
    shadow.map(view, 0x4000_1000n, 0, 0, at(0x8000_0000), LEAF);
    assert.equal(view.leaves, 2);
    assert.equal(pool.available, before - 2);
    shadow.map(view, 0x4000_0000n, 1, 1, at(0x8000_0000), LEAF);
    assert.equal(view.leaves, 1);
    assert.equal(pool.available, before - 1, 'the table of pages came back');
    shadow.map(view, 0x4000_3000n, 0, 0, at(0x8000_0000), LEAF);
    assert.equal(view.leaves, 1);
    assert.equal(look(view, 0x4000_0000n).entry, 0n);
    shadow.fence(0, {});
    assert.equal(view.leaves, 0);
    assert.equal(pool.available, before);
  });

  it('keep pieces of a superpage apart from the pages that replace it', () => {
    const { shadow, at } = setUp();
    const view = shadow.enter(0, satp(1), 'vS');
    shadow.map(view, 0x4000_0000n, 0, 1, at(0x8000_0000), LEAF);
    shadow.map(view, 0x4000_1000n, 0, 0, at(0x8000_7000), LEAF);
    assert.equal(look(view, 0x4000_0000n).entry, 0n, 'a fence for 0x40001000 alone would have left it');
    assert.equal(view.leaves, 1);
  });

  it('choose 4 KiB at the edges of the memory of a guest', () => {
    const dram = 0x0a00_0000;
    const memory = new PhysicalMemory(new ArrayBuffer(RAM + dram), dram, () => {});
    const guestMemory = new GuestMemory(memory, HYPERVISOR_END, 0x30_0000);
    const pool = new PagePool(memory, HYPERVISOR_BASE, HYPERVISOR_BASE + 0x10_0000);
    const cache = { flushAll() {}, flushPage() {} };
    const shadow = new ShadowPageTables({ dram: memory, pool, cache, hostAsids }, guestMemory);
    assert.equal(shadow.levelFor(0x801f_f000, 2), 1);
    assert.equal(shadow.levelFor(0x8020_0000, 2), 0);
    assert.equal(shadow.levelFor(0x8000_0000, 0), 0);
    const view = shadow.enter(0, 0n, 'bare');
    assert.throws(() => shadow.map(view, 0x8020_0000n, 1, 1, 0x8820_0000, LEAF), /left its guest/);
  });

  it('give up the view unused for longest when pages run out, and never the current one', () => {
    const { shadow, pool, at } = setUp(24);
    for (let asid = 1; asid <= 18; asid++) {
      const view = shadow.enter(0, satp(asid), 'vS');
      for (let page = 0n; page < 4n; page++) shadow.map(view, page << 30n, 0, 0, at(0x8000_0000), LEAF);
      assert.ok(view.leaves > 0);
      assert.ok(pool.available >= 0);
    }
    assert.equal(shadow.addressSpace(0, satp(1)), undefined);
    const current = shadow.addressSpace(0, satp(18))?.views.get('vS');
    assert.ok(current);
    for (let page = 0n; page < 200n; page++) shadow.map(current, page << 30n, 0, 0, at(0x8000_0000), LEAF);
    assert.equal(shadow.addressSpaces().length, 1);
    const asids = [...shadow.allViews()].map((view) => view.hostAsid);
    assert.equal(new Set(asids).size, asids.length);
  });

  it('treat every satp with mode Bare as one address space that fences do not touch', () => {
    const { shadow, at } = setUp();
    const view = shadow.enter(0, 0x1234n, 'bare');
    shadow.map(view, 0x8000_0000n, 1, 2, at(0x8000_0000), LEAF);
    assert.equal(shadow.enter(0, 0n, 'bare'), view);
    assert.equal(shadow.fence(0, {}), 0);
    assert.equal(view.leaves, 1);
  });
});

describe('permissions of shadow entries', () => {
  const guest = PTE_V | PTE_A;
  it('follow the guest entry and the view', () => {
    const user = guest | PTE_U | PTE_R | PTE_X;
    assert.equal(shadowBits(user, 'vU', false), PTE_V | PTE_A | PTE_U | PTE_R | PTE_X);
    assert.equal(shadowBits(user, 'vS', false), 0);
    assert.equal(shadowBits(user, 'vS+SUM', false), PTE_V | PTE_A | PTE_U | PTE_R, 'never executable there');
    const kernel = guest | PTE_R | PTE_W | PTE_D;
    assert.equal(shadowBits(kernel, 'vU', false), 0);
    assert.equal(shadowBits(kernel, 'vS', false), PTE_V | PTE_A | PTE_U | PTE_R | PTE_W | PTE_D);
    assert.equal(shadowBits(kernel, 'vS+SUM', false), shadowBits(kernel, 'vS', false));
  });

  it('withhold W until D is set, and everything until A is', () => {
    assert.equal(shadowBits(guest | PTE_R | PTE_W, 'vS', false), PTE_V | PTE_A | PTE_U | PTE_R);
    assert.equal(shadowBits(PTE_V | PTE_R, 'vS', false), 0);
  });

  it('leave MXR to the hart, but for user pages that the supervisor reads', () => {
    assert.equal(shadowBits(guest | PTE_X, 'vS', true), PTE_V | PTE_A | PTE_U | PTE_X);
    assert.equal(shadowBits(guest | PTE_X | PTE_U, 'vS+SUM', true), PTE_V | PTE_A | PTE_U | PTE_R);
    assert.equal(shadowBits(guest | PTE_X | PTE_U, 'vS+SUM', false), 0);
  });
});
