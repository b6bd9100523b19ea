// The page-table walk: every way it can fail, superpages, A and D, Sv48, and its explanations.
import assert from 'node:assert/strict';
import { FETCH, LOAD, STORE } from '../engine/host';
import type { Access } from '../engine/host';
import { addressSpaceOf, makeSatp, sv39, sv48, sv57 } from './paging';
import { makeEntry, PTE_A, PTE_D, PTE_G, PTE_R, PTE_U, PTE_V, PTE_W, PTE_X } from './pte';
import { recordWalk, walkPageTable } from './walk';
import type { Walk, WalkContext, WalkDenied, WalkSuccess } from './walk';
import { explainWalk } from './walk-explain';

const ROOT = 0x80001000;
const MIDDLE = 0x80002000;
const LAST = 0x80003000;
const PAGE = 0x80009000;
/** VPN 1, 2, 3; offset 0x123. */
const VA = (1n << 30n) | (2n << 21n) | (3n << 12n) | 0x123n;
const RWAD = PTE_V | PTE_R | PTE_W | PTE_A | PTE_D;

const supervisor: WalkContext = { scheme: sv39, root: ROOT, privilege: 1, sum: false, mxr: false };
const user: WalkContext = { ...supervisor, privilege: 0 };

/** Tables for VA whose leaf is `leaf`. */
function tables(leaf: bigint): Map<number, bigint> {
  return new Map([
    [ROOT + 8, makeEntry(MIDDLE, PTE_V)],
    [MIDDLE + 16, makeEntry(LAST, PTE_V)],
    [LAST + 24, leaf],
  ]);
}

function walk(entries: Map<number, bigint>, access: Access = LOAD, how = supervisor, va = VA): Walk {
  return walkPageTable(va, access, how, (address) => entries.get(address));
}

function succeeds(result: Walk): WalkSuccess {
  assert.ok(result.ok, result.ok ? '' : result.failure);
  return result;
}

function fails(result: Walk, failure: WalkDenied['failure'], level: number, va = VA, access: Access = LOAD): string {
  assert.ok(!result.ok, 'the walk should fail');
  assert.equal(result.failure, failure);
  assert.equal(result.level, level);
  return explainWalk(result, va, access)[0];
}

describe('page-table walk', () => {
  it('finds a 4 KiB page', () => {
    const result = succeeds(walk(tables(makeEntry(PAGE, RWAD))));
    assert.equal(result.address, PAGE + 0x123);
    assert.equal(result.level, 0);
    assert.equal(result.pageSize, 4096);
    assert.equal(result.entryAddress, LAST + 24);
    assert.equal(result.updatedEntry, result.entry);
    assert.deepEqual(
      result.steps.map((step) => [step.level, step.tableAddress, step.index]),
      [
        [2, ROOT, 1],
        [1, MIDDLE, 2],
        [0, LAST, 3],
      ],
    );
  });

  it('finds superpages of 2 MiB and 1 GiB and adds the lower page numbers of the address', () => {
    const mega = new Map([
      [ROOT + 8, makeEntry(MIDDLE, PTE_V)],
      [MIDDLE + 16, makeEntry(0x80200000, RWAD)],
    ]);
    const middle = succeeds(walk(mega));
    assert.equal(middle.address, 0x80203123);
    assert.equal(middle.pageSize, 2 * 1024 * 1024);
    const giga = succeeds(walk(new Map([[ROOT + 8, makeEntry(0xc0000000, RWAD)]])));
    assert.equal(giga.address, 0xc0403123);
    assert.equal(giga.pageSize, 1024 ** 3);
    assert.equal(giga.level, 2);
  });

  it('walks the upper half of the address space', () => {
    const entries = new Map([
      [ROOT + 511 * 8, makeEntry(MIDDLE, PTE_V)],
      [MIDDLE + 511 * 8, makeEntry(LAST, PTE_V)],
      [LAST + 511 * 8, makeEntry(PAGE, RWAD)],
    ]);
    assert.equal(succeeds(walk(entries, LOAD, supervisor, 0xffff_ffff_ffff_fff8n)).address, PAGE + 0xff8);
    const half = new Map([[ROOT + 256 * 8, makeEntry(0x40000000, RWAD)]]);
    assert.equal(succeeds(walk(half, LOAD, supervisor, 0xffff_ffc0_0000_0000n)).address, 0x40000000);
  });

  it('uses four and five levels for Sv48 and Sv57', () => {
    const va = (1n << 47n) | (7n << 39n);
    const entries = new Map([[ROOT + (256 + 7) * 8, makeEntry(512 * 1024 ** 3, RWAD)]]);
    const canonical = va | 0xffff_0000_0000_0000n;
    const result = succeeds(walk(entries, LOAD, { ...supervisor, scheme: sv48 }, canonical | 0x12_3456_7890n));
    assert.equal(result.address, 512 * 1024 ** 3 + 0x12_3456_7890);
    fails(walk(entries, LOAD, { ...supervisor, scheme: sv48 }, va), 'non-canonical', 3, va);
    const five = new Map([[ROOT + 8, makeEntry(0, RWAD)]]);
    const deep = succeeds(walk(five, LOAD, { ...supervisor, scheme: sv57 }, (1n << 48n) | 0xffff_1234_5678n));
    assert.equal(deep.address, 0xffff_1234_5678);
    assert.equal(deep.level, 4);
  });

  it('fails for an address whose high bits do not repeat bit 38', () => {
    for (const va of [1n << 39n, 1n << 38n, 1n << 63n, 0xffff_ff80_0000_0000n]) {
      const text = fails(walk(new Map(), LOAD, supervisor, va), 'non-canonical', 2, va);
      assert.match(text, /bits 63–39 do not all equal bit 38.*Sv39.*4\.4\.1/);
    }
  });

  it('fails where there is no memory for an entry', () => {
    const entries = tables(0n);
    entries.delete(MIDDLE + 16);
    const result = walk(entries);
    assert.match(fails(result, 'entry-unreadable', 1), /0x80002010 \(level 1\) lies outside memory.*step 2/);
    assert.ok(!result.ok);
    assert.equal(result.unreadableEntry, MIDDLE + 16);
    assert.equal(result.steps.length, 1);
  });

  it('fails at V = 0, on every level', () => {
    assert.match(fails(walk(tables(0n)), 'invalid', 0), /level 0, index 3\) has V = 0.*step 3/);
    const entries = tables(0n);
    entries.set(ROOT + 8, makeEntry(MIDDLE, 0));
    fails(walk(entries), 'invalid', 2);
  });

  it('fails for reserved encodings', () => {
    const writeOnly = fails(walk(tables(makeEntry(PAGE, PTE_V | PTE_W))), 'reserved-encoding', 0);
    assert.match(writeOnly, /W = 1 with R = 0/);
    fails(walk(tables(makeEntry(PAGE, PTE_V | PTE_W | PTE_X))), 'reserved-encoding', 0);
    for (const [bit, words] of [
      [54n, /a bit of bits 60–54 set/],
      [60n, /a bit of bits 60–54 set/],
      [61n, /memory type 1 in bits 62–61, which are reserved unless Svpbmt is enabled/],
      [62n, /memory type 2 in bits 62–61/],
      [63n, /N = 1 \(bit 63\), which is reserved without Svnapot/],
    ] as const) {
      assert.match(fails(walk(tables(makeEntry(PAGE, RWAD) | (1n << bit))), 'reserved-encoding', 0), words);
    }
    for (const bit of [PTE_A, PTE_D, PTE_U]) {
      const entries = tables(makeEntry(PAGE, RWAD));
      entries.set(MIDDLE + 16, makeEntry(LAST, PTE_V | bit));
      assert.match(fails(walk(entries), 'reserved-encoding', 1), /D, A or U/);
    }
    const global = tables(makeEntry(PAGE, RWAD));
    global.set(MIDDLE + 16, makeEntry(LAST, PTE_V | PTE_G));
    succeeds(walk(global));
  });

  describe('with Svnapot and Svpbmt', () => {
    const how: WalkContext = { ...supervisor, napot: true, memoryTypes: true };
    const N = 1n << 63n;
    const joined = makeEntry(0x80018000, RWAD) | N;

    it('finds a page of 64 KiB', () => {
      const result = succeeds(walk(tables(joined), LOAD, how));
      assert.equal(result.address, 0x80013123, 'page 3 of the 16');
      assert.equal(result.pageSize, 0x10000);
      const lines = explainWalk(result, VA, LOAD);
      assert.match(lines[0], /maps a 64 KiB page, so it is at 0x80013123\.$/);
      assert.match(lines[3], /DA---WRV: part of a 64 KiB page$/);
    });

    it('names the memory type', () => {
      for (const [type, name] of [
        [1n, 'NC (not cached)'],
        [2n, 'IO'],
      ] as const) {
        const result = succeeds(walk(tables(makeEntry(PAGE, RWAD) | (type << 61n)), LOAD, how));
        assert.ok(explainWalk(result, VA, LOAD)[3].endsWith(`4 KiB page 0x80009000, memory type ${name}`));
      }
    });

    it('says what is reserved about the bits', () => {
      const pointer = (bits: bigint) => {
        const entries = tables(makeEntry(PAGE, RWAD));
        return entries.set(MIDDLE + 16, makeEntry(LAST, PTE_V) | bits);
      };
      const superpage = tables(0n).set(MIDDLE + 16, makeEntry(0x80208000, RWAD) | N);
      for (const [entries, level, words] of [
        [tables(makeEntry(PAGE, RWAD) | (3n << 61n)), 0, /memory type 3 in bits 62–61, which is reserved/],
        [tables(makeEntry(PAGE, RWAD) | N), 0, /a page number that does not end in binary 1000/],
        [superpage, 1, /N = 1 \(bit 63\) above level 0/],
        [pointer(N), 1, /N = 1 \(bit 63\) although it points to a table/],
        [pointer(1n << 61n), 1, /memory type 1 in bits 62–61 although it points to a table/],
      ] as const) {
        assert.match(fails(walk(entries, LOAD, how), 'reserved-encoding', level), words);
      }
    });
  });

  it('fails when the last level points further', () => {
    const text = fails(walk(tables(makeEntry(PAGE, PTE_V))), 'not-leaf-at-level-0', 0);
    assert.match(text, /R = W = X = 0.*step 4/);
  });

  it('keeps U-mode out of supervisor pages, and S-mode out of user pages unless SUM', () => {
    const own = tables(makeEntry(PAGE, RWAD | PTE_X));
    const users = tables(makeEntry(PAGE, RWAD | PTE_X | PTE_U));
    assert.match(fails(walk(own, LOAD, user), 'not-user', 0), /U = 0/);
    succeeds(walk(users, LOAD, user));
    succeeds(walk(users, FETCH, user));
    assert.match(fails(walk(users), 'user-page-in-supervisor', 0), /SUM = 1/);
    succeeds(walk(users, STORE, { ...supervisor, sum: true }));
    const fetched = walk(users, FETCH, { ...supervisor, sum: true });
    assert.match(fails(fetched, 'user-page-in-supervisor', 0, VA, FETCH), /never executes/);
    succeeds(walk(own, LOAD, { ...supervisor, sum: true }));
  });

  it('asks for R, W and X, and takes X for R with MXR', () => {
    const code = tables(makeEntry(PAGE, PTE_V | PTE_X | PTE_A));
    assert.match(fails(walk(code), 'not-readable', 0), /execute-only.*MXR = 0/);
    succeeds(walk(code, LOAD, { ...supervisor, mxr: true }));
    assert.match(fails(walk(code, STORE), 'not-writable', 0, VA, STORE), /^Store to 0x40403123: .*W = 0.*read-only/);
    fails(walk(code, STORE, { ...supervisor, mxr: true }), 'not-writable', 0);
    const data = tables(makeEntry(PAGE, RWAD));
    assert.match(fails(walk(data, FETCH), 'not-executable', 0, VA, FETCH), /^Fetch from .*X = 0/);
  });

  it('fails for superpages that are not aligned', () => {
    const entries = new Map([
      [ROOT + 8, makeEntry(MIDDLE, PTE_V)],
      [MIDDLE + 16, makeEntry(0x80201000, RWAD)],
    ]);
    assert.match(fails(walk(entries), 'misaligned-superpage', 1), /maps 2 MiB.*step 6/);
    fails(walk(new Map([[ROOT + 8, makeEntry(0xc0200000, RWAD)]])), 'misaligned-superpage', 2);
  });

  it('asks for permissions before alignment', () => {
    const entries = new Map([[ROOT + 8, makeEntry(0xc0200000, PTE_V | PTE_R)]]);
    fails(walk(entries, STORE), 'not-writable', 2);
  });

  it('says which of A and D an access sets', () => {
    const fresh = tables(makeEntry(PAGE, PTE_V | PTE_R | PTE_W));
    assert.equal(succeeds(walk(fresh)).updatedEntry, makeEntry(PAGE, PTE_V | PTE_R | PTE_W | PTE_A));
    const stored = succeeds(walk(fresh, STORE));
    assert.equal(stored.updatedEntry, makeEntry(PAGE, RWAD));
    assert.match(explainWalk(stored, VA, STORE)[0], /sets A and D/);
    const clean = tables(makeEntry(PAGE, PTE_V | PTE_R | PTE_W | PTE_A));
    assert.match(explainWalk(walk(clean, STORE), VA, STORE)[0], /sets D \(/);
  });

  it('fails for clear A and D where software keeps them', () => {
    const how: WalkContext = { ...supervisor, accessedDirty: 'software' };
    const fresh = tables(makeEntry(PAGE, PTE_V | PTE_R | PTE_W | PTE_D));
    assert.match(fails(walk(fresh, LOAD, how), 'accessed-clear', 0), /A = 0/);
    fails(walk(fresh, STORE, how), 'accessed-clear', 0);
    const clean = tables(makeEntry(PAGE, PTE_V | PTE_R | PTE_W | PTE_A));
    succeeds(walk(clean, LOAD, how));
    assert.match(fails(walk(clean, STORE, how), 'dirty-clear', 0, VA, STORE), /D = 0/);
  });

  it('fails where physical memory protection refuses an entry', () => {
    const source = { low: 0, high: 0, read: () => 'pmp' as const };
    const result = recordWalk(VA, LOAD, supervisor, source);
    assert.match(fails(result, 'pmp', 2), /forbids reading the entry at 0x80001008 \(level 2\)/);
  });

  it('explains every level', () => {
    const lines = explainWalk(walk(tables(makeEntry(PAGE, RWAD))), VA, LOAD);
    assert.deepEqual(lines, [
      'Load from 0x40403123: the leaf entry at 0x80003018 maps a 4 KiB page, so it is at 0x80009123.',
      'level 2: table 0x80001000, index 1: 0x80001008 holds 0x0000000020000801 -------V: table 0x80002000',
      'level 1: table 0x80002000, index 2: 0x80002010 holds 0x0000000020000c01 -------V: table 0x80003000',
      'level 0: table 0x80003000, index 3: 0x80003018 holds 0x00000000200024c7 DA---WRV: 4 KiB page 0x80009000',
    ]);
  });

  it('follows page numbers of all 44 bits', () => {
    const far = 2 ** 55;
    const result = succeeds(walk(tables(makeEntry(far, RWAD)), LOAD, supervisor, VA & ~0xfffn));
    assert.equal(result.address, far);
    fails(walk(new Map([[ROOT + 8, makeEntry(far, PTE_V)]])), 'entry-unreadable', 1);
  });
});

describe('satp', () => {
  it('names an address space, or none for Bare and unknown modes', () => {
    assert.deepEqual(addressSpaceOf(makeSatp(sv39, ROOT, 7)), { scheme: sv39, root: ROOT, asid: 7 });
    assert.equal(addressSpaceOf(0n), undefined);
    assert.equal(addressSpaceOf(3n << 60n), undefined);
    assert.equal(makeSatp(sv39, ROOT), 0x8000000000080001n);
  });
});
