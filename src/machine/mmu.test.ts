// The memory management unit: translation with A and D, faults and their causes, protection, superpages.
import assert from 'node:assert/strict';
import { Engine } from '../engine/engine';
import type { Access } from '../engine/host';
import { FETCH, LOAD, STORE } from '../engine/host';
import { Mmu } from './mmu';
import { makeSatp, sv39 } from './paging';
import { Pmp } from './pmp';
import { makeEntry, PTE_A, PTE_D, PTE_R, PTE_U, PTE_V, PTE_W, PTE_X } from './pte';
import { TranslationModes } from './translation-modes';

const ROOT = 0x80001000;
const MIDDLE = 0x80002000;
const LAST = 0x80003000;
const PAGE = 0x80008000;
const VA = 0x40403123;
const SATP = makeSatp(sv39, ROOT);
const RWX = PTE_V | PTE_R | PTE_W | PTE_X;

function create(leaf: bigint) {
  const { memory } = new Engine({ ramBytes: 0x10000 });
  const pmp = new Pmp();
  pmp.writeAddress(15, ~0n);
  pmp.writeConfig(2, 0x1fn << 56n);
  memory.write64(ROOT + 8, makeEntry(MIDDLE, PTE_V));
  memory.write64(MIDDLE + 16, makeEntry(LAST, PTE_V));
  memory.write64(LAST + 24, leaf);
  const modes = new TranslationModes();
  const mmu = new Mmu(memory, pmp);
  const translate = (access: Access, privilege: 0 | 1 | 3 = 1, va = VA, size = 4): number =>
    mmu.translate(va % 2 ** 32, Math.floor(va / 2 ** 32), access, size, modes.mode(SATP, privilege, false, false));
  return { memory, pmp, mmu, translate };
}

describe('memory management unit', () => {
  it('translates and sets A, and D for stores, in memory', () => {
    const { memory, mmu, translate } = create(makeEntry(PAGE, RWX));
    assert.equal(translate(LOAD), PAGE + 0x123);
    assert.equal(mmu.cacheable, true);
    assert.equal(memory.read64(LAST + 24), makeEntry(PAGE, RWX | PTE_A));
    assert.equal(translate(STORE), PAGE + 0x123);
    assert.equal(memory.read64(LAST + 24), makeEntry(PAGE, RWX | PTE_A | PTE_D));
    assert.equal(translate(FETCH), PAGE + 0x123);
  });

  it('raises page faults by kind of access, and leaves A and D', () => {
    const leaf = makeEntry(PAGE, RWX | PTE_U);
    const { memory, mmu, translate } = create(leaf);
    for (const [access, cause] of [
      [FETCH, 12],
      [LOAD, 13],
      [STORE, 15],
    ] as const) {
      assert.equal(translate(access), -1);
      assert.equal(mmu.cause, cause);
      assert.equal(mmu.failure, 'user-page-in-supervisor');
    }
    assert.equal(memory.read64(LAST + 24), leaf);
  });

  it('raises access faults for entries outside RAM', () => {
    const { memory, mmu, translate } = create(0n);
    memory.write64(MIDDLE + 16, makeEntry(0x10000000, PTE_V));
    for (const [access, cause] of [
      [FETCH, 1],
      [LOAD, 5],
      [STORE, 7],
    ] as const) {
      assert.equal(translate(access), -1);
      assert.equal(mmu.cause, cause);
      assert.equal(mmu.failure, 'entry-unreadable');
    }
  });

  it('takes addresses as physical in M-mode', () => {
    const { translate } = create(0n);
    assert.equal(translate(LOAD, 3), VA);
    assert.equal(translate(FETCH, 3, 0x12_3456_7890), 0x12_3456_7890);
  });

  it('asks protection about the access, the entries, and the update of A and D', () => {
    const { pmp, mmu, translate } = create(makeEntry(PAGE, RWX));
    const napot = (base: number): bigint => BigInt(base / 4 + 0x1ff);
    pmp.writeAddress(0, napot(PAGE));
    pmp.writeConfig(0, 0x19n);
    assert.equal(translate(STORE), -1);
    assert.equal(mmu.cause, 7);
    assert.equal(mmu.failure, 'pmp');
    assert.equal(translate(LOAD), PAGE + 0x123);

    pmp.writeAddress(0, napot(MIDDLE));
    pmp.writeConfig(0, 0x18n);
    assert.equal(translate(LOAD), -1);
    assert.equal(mmu.cause, 5);
  });

  it('fails where A or D would have to be written to an entry that may only be read', () => {
    const { memory, pmp, mmu, translate } = create(makeEntry(PAGE, RWX));
    pmp.writeAddress(0, BigInt(LAST / 4 + 0x1ff));
    pmp.writeConfig(0, 0x19n);
    assert.equal(translate(LOAD), -1);
    assert.equal(mmu.failure, 'pmp');
    memory.write64(LAST + 24, makeEntry(PAGE, RWX | PTE_A));
    assert.equal(translate(LOAD), PAGE + 0x123);
  });

  it('keeps pages out of TLBs that protection divides', () => {
    const { pmp, mmu, translate } = create(makeEntry(PAGE, RWX | PTE_A | PTE_D));
    pmp.writeAddress(0, BigInt((PAGE + 0x800) / 4));
    pmp.writeConfig(0, 0x17n);
    assert.equal(translate(LOAD), PAGE + 0x123);
    assert.equal(mmu.cacheable, false);
  });

  it('remembers superpages, of which SFENCE.VMA for one address must drop every part', () => {
    const { memory, mmu, translate } = create(0n);
    assert.equal(mmu.superpages.mayHave(VA, 0), false);
    memory.write64(MIDDLE + 16, makeEntry(0x80000000, RWX | PTE_A | PTE_D));
    assert.equal(translate(LOAD), 0x80003123);
    assert.equal(mmu.superpages.mayHave(0x40400000, 0), true);
    assert.equal(mmu.superpages.mayHave(0x405fffff, 0), true);
    assert.equal(mmu.superpages.mayHave(0x40600000, 0), false);
    assert.equal(mmu.superpages.mayHave(0x40400000, 1), false);
    mmu.superpages.forget();
    assert.equal(mmu.superpages.mayHave(0x40400000, 0), false);
  });

  it('remembers superpages at the top of the address space', () => {
    const { memory, mmu, translate } = create(0n);
    memory.write64(ROOT + 511 * 8, makeEntry(0x80000000, RWX | PTE_A | PTE_D));
    assert.equal(translate(LOAD, 1, Number(0xffff_ffff_c000_0800n)), 0x80000800);
    assert.equal(mmu.superpages.mayHave(0xffffffff, 0xffffffff), true);
    assert.equal(mmu.superpages.mayHave(0xbfffffff, 0xffffffff), false);
  });

  it('walks without side effects, also other tables', () => {
    const leaf = makeEntry(PAGE, RWX);
    const { memory, mmu } = create(leaf);
    const how = { satp: SATP, privilege: 1, sum: false, mxr: false } as const;
    const walk = mmu.walk(BigInt(VA), STORE, how);
    assert.ok(walk?.ok);
    assert.equal(walk.address, PAGE + 0x123);
    assert.equal(memory.read64(LAST + 24), leaf);
    const other = mmu.walk(BigInt(VA), LOAD, how, () => undefined);
    assert.equal(other?.ok, false);
    assert.equal(mmu.walk(BigInt(VA), LOAD, { ...how, satp: 0n }), undefined);
  });
});
