// The engine's own page walk against the walk that the machine defines: the same translations and faults, whatever is in the
// tables, and the plain cases without asking the machine.
import assert from 'node:assert/strict';
import { Random } from '../../test/support/random';
import type { Access } from '../engine/host';
import { FETCH, LOAD, STORE } from '../engine/host';
import { csrByName } from '../isa/csrs';
import { Machine } from './machine';
import { faultCause } from './mmu';
import type { PagingScheme } from './paging';
import { makeSatp, pagingSchemes } from './paging';
import { makeEntry, PTE_A, PTE_D, PTE_R, PTE_U, PTE_V, PTE_W, PTE_X } from './pte';
import { EXCEPTION, MPP_SHIFT, MSTATUS } from './status';

const CODE = 0x80000000;
const HANDLER = 0x80001000;
const TABLES = 0x80010000;
const LOAD_A0 = 0x0005b503; // ld a0, 0(a1)
const STORE_A0 = 0x00a5b023; // sd a0, 0(a1)
const COUNT = 0x00150513; // addi a0, a0, 1
const LOOP = 0x0000006f; // j .
const USUAL = PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D;
const [A0, A1] = [10, 11];
const number = (name: string): number => csrByName(name)?.number ?? assert.fail(name);

interface Case {
  readonly scheme: PagingScheme;
  readonly access: Access;
  readonly privilege: 0 | 1;
  readonly sum: boolean;
  readonly mxr: boolean;
  readonly va: bigint;
}

class Lab {
  readonly machine = new Machine({ memoryBytes: 16 << 20, extensions: { Svnapot: true } });
  readonly hart = this.machine.harts[0];
  /** Translations for which the machine was asked. */
  asked = 0;

  constructor() {
    const { memory } = this.machine;
    for (let hpa = CODE; hpa < CODE + memory.size; hpa += 0x1000) {
      for (const offset of [0, 0x18, 0xff8]) memory.write64(hpa + offset, BigInt(hpa + offset) * 0x10001n);
      memory.write32(hpa + 0x20, COUNT);
      memory.write32(hpa + 0x24, LOOP);
    }
    memory.write32(HANDLER, LOOP);
    this.set('pmpaddr0', (1n << 54n) - 1n);
    this.set('pmpcfg0', 0x1fn);
    this.set('mtvec', BigInt(HANDLER));
    const translate = this.hart.translate.bind(this.hart);
    this.hart.translate = (...args) => {
      this.asked++;
      return translate(...args);
    };
  }

  set(csr: string, value: bigint): void {
    this.hart.csrs.write(number(csr), value);
  }

  /** Makes the access, with nothing in the TLBs. @returns the cause of the trap, or what it found */
  access(
    { access, privilege, sum, mxr, va }: Case,
    flush = () => this.hart.flushTranslations(),
  ): { cause: bigint } | { value: bigint } {
    const { hart, machine } = this;
    const { state } = hart;
    const isFetch = access === FETCH;
    flush();
    const modes = (privilege << MPP_SHIFT) | (isFetch ? 0 : MSTATUS.MPRV);
    this.set('mstatus', BigInt(modes | (sum ? MSTATUS.SUM : 0) | (mxr ? MSTATUS.MXR : 0)));
    this.set('mcause', 99n);
    state.setX(A0, 7n);
    state.setX(A1, va);
    machine.memory.write32(CODE, access === LOAD ? LOAD_A0 : STORE_A0);
    machine.memory.write32(CODE + 4, LOOP);
    state.pc = isFetch ? va : BigInt(CODE);
    hart.privilege = isFetch ? privilege : 3;
    machine.run(1);
    const cause = hart.csrs.read(number('mcause'));
    hart.privilege = 3;
    return cause === 99n ? { value: state.x(A0) } : { cause };
  }

  /** What the access must do, by the walk without side effects. */
  expected(satp: bigint, { access, privilege, sum, mxr, va }: Case): { cause: bigint } | { hpa: number } {
    const walk = this.hart.mmu.walk(va, access, { satp, privilege, sum, mxr });
    assert.ok(walk);
    if (!walk.ok) return { cause: BigInt(faultCause(walk.failure, access)) };
    if (this.hart.pmp.allows(walk.address, 8, access, privilege) && this.machine.memory.contains(walk.address, 8)) {
      return { hpa: walk.address };
    }
    const causes = { [FETCH]: EXCEPTION.fetchAccess, [LOAD]: EXCEPTION.loadAccess, [STORE]: EXCEPTION.storeAccess };
    return { cause: BigInt(causes[access]) };
  }

  /** Writes tables in which the address has these entries, root first. @returns satp */
  map(scheme: PagingScheme, va: bigint, entries: readonly ((next: number) => bigint)[]): bigint {
    entries.forEach((entry, i) => {
      const table = TABLES + i * 0x1000;
      const level = scheme.levels - 1 - i;
      const index = Number((va >> BigInt(12 + 9 * level)) & 511n);
      this.machine.memory.write64(table + index * 8, entry(table + 0x1000));
    });
    const satp = makeSatp(scheme, TABLES, 1);
    this.set('satp', satp);
    return satp;
  }

  check(satp: bigint, one: Case, note: string): void {
    const { memory } = this.machine;
    const expected = this.expected(satp, one);
    // The second time, superpages are still known to be in use, and code is decoded.
    for (const flush of [() => this.hart.flushTranslations(), () => this.machine.engine.flushTlb()]) {
      const found = this.access(one, flush);
      if ('cause' in expected) assert.deepEqual(found, expected, note);
      else if (one.access === LOAD) assert.deepEqual(found, { value: memory.read64(expected.hpa) }, note);
      else if (one.access === STORE) assert.equal('value' in found && memory.read64(expected.hpa), 7n, note);
      else assert.deepEqual(found, { value: 8n }, note);
    }
  }
}

/** An address of this scheme, mostly canonical. */
function address(random: Random, { vaBits }: PagingScheme, access: Access): bigint {
  const offset = access === FETCH ? 0x20n : random.pick([0n, 0x18n, 0xff8n]);
  const wide = (BigInt(random.next()) << 32n) | BigInt(random.next());
  const va = (BigInt.asIntN(random.below(12) === 0 ? 64 : vaBits, wide) & ~0xfffn) | offset;
  return BigInt.asUintN(64, va);
}

/** A leaf at this level: usual flags with some changed, a page that is mostly there and aligned. */
function leaf(random: Random, level: number): bigint {
  const pages = 512 ** level;
  const page = random.below(10) === 0 ? random.below(1 << 21) : 0x80100 + random.below(0xe00);
  const hpa = (random.below(8) === 0 ? page : Math.floor(page / pages) * pages) * 0x1000;
  let flags = USUAL | (random.below(2) ? PTE_U : 0);
  for (let i = random.below(3); i > 0; i--) flags ^= 1 << random.below(8);
  const high = random.below(12) === 0 ? 1n << BigInt(54 + random.below(10)) : 0n;
  const napot = random.below(12) === 0 ? (1n << 63n) | (8n << 10n) : 0n;
  return makeEntry(hpa, flags | (random.below(4) << 8)) | high | napot;
}

function pointer(random: Random, next: number): bigint {
  const flags = PTE_V | (random.below(20) === 0 ? 1 << random.below(8) : 0);
  const high = random.below(25) === 0 ? 1n << BigInt(54 + random.below(10)) : 0n;
  return makeEntry(random.below(30) === 0 ? 0x1000 * random.below(1 << 21) : next, flags) | high;
}

describe('the page walk of generated code', () => {
  it('translates and faults as the machine does', () => {
    const lab = new Lab();
    const random = new Random(11);
    for (let n = 0; n < 4000; n++) {
      const scheme = random.pick(pagingSchemes);
      const access = random.pick([FETCH, LOAD, STORE] as const);
      const va = address(random, scheme, access);
      const leafLevel = random.below(3) === 0 ? random.below(scheme.levels) : 0;
      const entries = Array.from({ length: scheme.levels - leafLevel }, (_, i) =>
        i === scheme.levels - leafLevel - 1 ? () => leaf(random, leafLevel) : (next: number) => pointer(random, next),
      );
      const satp = lab.map(scheme, va, entries);
      const [sum, mxr] = [random.below(2) === 1, random.below(4) === 0];
      const privilege = random.below(2) === 1 ? 1 : 0;
      lab.check(satp, { scheme, access, privilege, sum, mxr, va }, `case ${n}: va 0x${va.toString(16)}`);
    }
  });

  const plain = [() => makeEntry(0x80234000, USUAL)];
  const tables = (levels: number): ((next: number) => bigint)[] => [
    ...Array.from({ length: levels - 1 }, () => (next: number) => makeEntry(next, PTE_V)),
    ...plain,
  ];

  for (const scheme of pagingSchemes) {
    it(`does not ask the machine in plain cases (${scheme.name})`, () => {
      const lab = new Lab();
      const va = 0x12345018n;
      lab.map(scheme, va, tables(scheme.levels));
      for (const access of [LOAD, STORE] as const) {
        const one = { scheme, access, privilege: 1, sum: false, mxr: false, va } as const;
        lab.access(one);
        const before = lab.asked;
        assert.ok('value' in lab.access(one));
        // For the code in M-mode, which is not translated, but not for the data.
        assert.equal(lab.asked - before, 1);
      }
      const fetch = { scheme, access: FETCH, privilege: 1, sum: false, mxr: false, va: 0x12345020n } as const;
      lab.access(fetch);
      const before = lab.asked;
      assert.deepEqual(lab.access(fetch), { value: 8n });
      assert.equal(lab.asked, before);
    });
  }

  for (const access of [LOAD, STORE] as const) {
    it(`translates both pages of ${access === LOAD ? 'a load' : 'a store'} that crosses, which may fault`, () => {
      const lab = new Lab();
      const { memory } = lab.machine;
      const [scheme] = pagingSchemes;
      lab.map(scheme, 0x12345000n, tables(scheme.levels));
      const second = TABLES + (scheme.levels - 1) * 0x1000 + 0x146 * 8;
      const one = { scheme, access, privilege: 1, sum: false, mxr: false, va: 0x12345ffbn } as const;
      memory.write64(second, makeEntry(0x80300000, USUAL));
      assert.ok('value' in lab.access(one));
      memory.write64(0x80234ff8, 0x1122334455667788n);
      memory.write64(0x80300000, 0x99aabbccddeeff00n);
      const before = lab.asked;
      const found = lab.access(one);
      assert.equal(lab.asked - before, 1);
      if (access === LOAD) assert.deepEqual(found, { value: 0xeeff001122334455n });
      else assert.deepEqual([memory.read64(0x80234ff8), memory.read64(0x80300000)], [0x766_7788n, 0x99aabbccdd000000n]);
      memory.write64(0x80234ff8, 0x1122334455667788n);
      memory.write64(second, makeEntry(0x80300000, PTE_V | PTE_X | PTE_A));
      const fault = BigInt(access === LOAD ? EXCEPTION.loadPage : EXCEPTION.storePage);
      assert.deepEqual(lab.access(one), { cause: fault });
      assert.equal(lab.hart.csrs.read(number('mtval')), 0x12346000n);
      assert.equal(memory.read64(0x80234ff8), 0x1122334455667788n);
    });
  }

  it('asks for memory that is protected, code that is stored to, and what is misaligned', () => {
    const lab = new Lab();
    const [scheme] = pagingSchemes;
    const va = 0x12345018n;
    const satp = lab.map(scheme, va, tables(scheme.levels));
    const load = { scheme, access: LOAD, privilege: 1, sum: false, mxr: false, va } as const;
    assert.ok('value' in lab.access({ ...load, va: 0x12345013n }));
    // Rule 0 closes the page that is mapped, rule 1 opens the rest.
    lab.set('pmpaddr1', (1n << 54n) - 1n);
    lab.set('pmpaddr0', BigInt((0x80234000 >>> 2) | 0x1ff));
    lab.set('pmpcfg0', 0x1f18n);
    lab.check(satp, load, 'protected');
    assert.deepEqual(lab.access(load), { cause: BigInt(EXCEPTION.loadAccess) });
    lab.set('pmpcfg0', 0x1f1fn);
    lab.check(satp, load, 'open again');

    const fetch = { ...load, access: FETCH, va: 0x12345020n } as const;
    assert.deepEqual(lab.access(fetch), { value: 8n });
    const store = { ...load, access: STORE, va: 0x12345020n } as const;
    lab.check(satp, store, 'stored to code');
    assert.equal(lab.machine.memory.read64(0x80234020), 7n);
    assert.deepEqual(lab.access(fetch), { cause: BigInt(EXCEPTION.illegalInstruction) });
  });

  for (const [loads, stores] of [
    [true, false],
    [false, true],
    [true, true],
  ]) {
    it(`leaves pages with watched bytes out${loads ? ', for loads' : ''}${stores ? ', for stores' : ''}`, () => {
      const lab = new Lab();
      const { engine } = lab.machine;
      const [scheme] = pagingSchemes;
      const va = 0x12345018n;
      lab.map(scheme, va, tables(scheme.levels));
      const told: string[] = [];
      const access = (kind: Access): string[] => {
        told.length = 0;
        lab.access({ scheme, access: kind, privilege: 1, sum: false, mxr: false, va });
        return told;
      };
      access(LOAD);
      engine.watchData([{ start: 0x80234018, length: 8, loads, stores }], (accesses) => {
        told.push(...accesses.map(({ kind }) => kind));
      });
      assert.deepEqual(access(LOAD), loads ? ['load'] : []);
      assert.deepEqual(access(STORE), stores ? ['store'] : []);
      engine.watchData([], () => assert.fail());
      const before = lab.asked;
      access(STORE);
      assert.equal(lab.asked - before, 1);
    });
  }

  it('lets SFENCE.VMA for one address drop all parts of a superpage', () => {
    const lab = new Lab();
    const [scheme] = pagingSchemes;
    const va = 0x40200018n;
    const map = (hpa: number) => lab.map(scheme, va, [(next) => makeEntry(next, PTE_V), () => makeEntry(hpa, USUAL)]);
    const { memory } = lab.machine;
    map(0x80200000);
    const load = { scheme, access: LOAD, privilege: 1, sum: false, mxr: false, va } as const;
    const flush = lab.hart.flushTranslations.bind(lab.hart);
    flush();
    lab.hart.flushTranslations = () => {};
    for (const part of [va, va + 0x5000n, va + 0x6000n]) {
      const { value } = lab.access({ ...load, va: part }) as { value: bigint };
      assert.equal(value, memory.read64(0x80200018 + Number(part - va)));
    }
    map(0x80400000);
    lab.hart.flushTranslations = flush;
    lab.hart.flushTranslation(va + 0x1000n);
    lab.hart.flushTranslations = () => {};
    const { value } = lab.access({ ...load, va: va + 0x6000n }) as { value: bigint };
    assert.equal(value, memory.read64(0x80406018));
  });
});
