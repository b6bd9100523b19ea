// The CSR table: its consistency, what a write leaves behind, and values in words.
import assert from 'node:assert/strict';
import { causeById, causeByValue, causeName, causeValue, trapCauses } from './causes';
import { bitRange } from './csr-description';
import { csrName, csrNumber } from './csr-names';
import type { CsrDescription } from './csrs';
import { csrByName, csrByNumber, csrs, decodeFields, legalValue } from './csrs';
import { isImplemented } from './extensions';

const ALL_ONES = bitRange(63, 0);

function named(name: string): CsrDescription {
  const found = csrByName(name);
  assert.ok(found, name);
  return found;
}

/** What the CSR holds after `written` was written to it. */
const afterWrite = (name: string, old: bigint, written: bigint): string =>
  `0x${legalValue(named(name), old, written).toString(16)}`;

const show = (name: string, value: bigint): string[] =>
  decodeFields(named(name), value).map(({ field, text }) => `${field.name}: ${text}`);

describe('the CSR table', () => {
  it('has unique numbers and names', () => {
    assert.equal(new Set(csrs.map((one) => one.number)).size, csrs.length);
    assert.equal(new Set(csrs.map((one) => one.name)).size, csrs.length);
    for (const one of csrs) {
      assert.equal(csrByNumber(one.number), one);
    }
  });

  it('has fields from high to low that do not overlap and hold the writable bits and the reset value', () => {
    for (const { name, fields, writable, reset } of csrs) {
      let next = 63;
      let covered = 0n;
      for (const { high, low } of fields) {
        assert.ok(high <= next && low <= high && low >= 0, name);
        next = low - 1;
        covered |= bitRange(high, low);
      }
      assert.equal(writable & ~covered, 0n, name);
      assert.equal(reset & ~covered, 0n, name);
    }
  });

  it('takes privilege and read-only from the number', () => {
    assert.equal(named('mhartid').privilege, 3);
    assert.equal(named('mhartid').readOnly, true);
    assert.equal(named('satp').privilege, 1);
    assert.equal(named('satp').readOnly, false);
    assert.equal(named('time').privilege, 0);
    assert.equal(named('time').readOnly, true);
  });

  it('has every CSR that a view refers to', () => {
    for (const { viewOf } of csrs) {
      assert.ok(viewOf === undefined || csrByName(viewOf));
    }
  });

  it('has stable legal values: writing a legal value again changes nothing', () => {
    for (const one of csrs) {
      for (const written of [0n, ALL_ONES, 0x5555555555555555n, 0xaaaaaaaaaaaaaaaan]) {
        const once = legalValue(one, one.reset, written);
        assert.equal(legalValue(one, once, once), once, one.name);
      }
    }
  });

  it('shares no name or number with the CSRs that are named only', () => {
    for (let number = 0; number < 4096; number++) {
      const name = csrName(number);
      if (name !== undefined) assert.equal(csrNumber(name), number, name);
      assert.ok(csrByNumber(number) === undefined || name === csrByNumber(number)?.name);
    }
    assert.equal(csrName(0x600), 'hstatus');
    assert.equal(csrName(0x3bf), 'pmpaddr15');
    assert.equal(csrName(0x7ff), undefined);
  });

  it('flags what the machine lacks', () => {
    assert.equal(isImplemented(named('fcsr').extension), true);
    assert.equal(isImplemented('V'), false);
    assert.equal(isImplemented(named('stimecmp').extension), true);
    assert.equal(isImplemented(named('cycle').extension), true);
    assert.equal(isImplemented(named('satp').extension), true);
  });
});

describe('legalValue', () => {
  it('changes only writable bits', () => {
    assert.equal(afterWrite('mstatus', named('mstatus').reset, ALL_ONES), '0x8000000a007e79aa');
    assert.equal(afterWrite('sstatus', named('sstatus').reset, ALL_ONES), '0x80000002000c6122');
    assert.equal(afterWrite('mie', 0n, ALL_ONES), '0xaaa');
    assert.equal(afterWrite('sie', 0n, ALL_ONES), '0x222');
    assert.equal(afterWrite('mip', 0x80n, ALL_ONES), '0x2a2');
    assert.equal(afterWrite('medeleg', 0n, ALL_ONES), '0xb3ff');
    assert.equal(afterWrite('mideleg', 0n, ALL_ONES), '0x222');
    assert.equal(afterWrite('menvcfg', 0n, ALL_ONES), '0xe0000000000000f1');
    assert.equal(afterWrite('senvcfg', 0x30n, 0xc1n), '0xc1');
    assert.equal(afterWrite('senvcfg', 0x30n, 0xe1n), '0xf1');
    assert.equal(afterWrite('misa', named('misa').reset, 0n), '0x800000000014112d');
    assert.equal(afterWrite('pmpaddr15', 0n, ALL_ONES), '0x3fffffffffffff');
    assert.equal(afterWrite('mcountinhibit', 0n, ALL_ONES), '0x5');
  });

  it('keeps MPP when the reserved mode is written', () => {
    assert.equal(afterWrite('mstatus', 0xa00000800n, 0x1000n), '0xa00000800');
    assert.equal(afterWrite('mstatus', 0xa00000800n, 0x1800n), '0xa00001800');
    assert.equal(afterWrite('mstatus', 0xa00000800n, 0x0000n), '0xa00000000');
  });

  it('ignores a write of satp with an unsupported mode', () => {
    const sv39 = 0x8000000000080200n;
    assert.equal(afterWrite('satp', sv39, 0xb000000000090000n), '0x8000000000080200');
    assert.equal(afterWrite('satp', sv39, 0x9000000000090000n), '0x9000000000090000');
    assert.equal(afterWrite('satp', sv39, 0xa000000000090000n), '0xa000000000090000');
    assert.equal(afterWrite('satp', sv39, 0x8fffffffffffffffn), '0x8fffffffffffffff');
    assert.equal(afterWrite('satp', sv39, 0n), '0x0');
  });

  it('ignores a write of a trap vector with a reserved mode', () => {
    assert.equal(afterWrite('stvec', 0x80001000n, 0x80002001n), '0x80002001');
    assert.equal(afterWrite('stvec', 0x80001000n, 0x80002002n), '0x80001000');
    assert.equal(afterWrite('mtvec', 0x80001000n, 0x80002003n), '0x80001000');
  });

  it('clears bit 0 of trap return addresses', () => {
    assert.equal(afterWrite('mepc', 0n, 0x80000003n), '0x80000002');
    assert.equal(afterWrite('sepc', 0n, ALL_ONES), '0xfffffffffffffffe');
  });

  it('keeps locked entries of pmpcfg, and refuses writable ones that are not readable', () => {
    assert.equal(afterWrite('pmpcfg0', 0x9f00n, 0x0f0fn), '0x9f0f');
    assert.equal(afterWrite('pmpcfg0', 0x0fn, 0x0an), '0xf');
    assert.equal(afterWrite('pmpcfg2', 0n, ALL_ONES), '0x9f9f9f9f9f9f9f9f');
  });
});

describe('decodeFields', () => {
  it('explains satp', () => {
    assert.deepEqual(show('satp', 0x8001200000080200n), [
      'MODE: Sv39: 39-bit virtual addresses, three levels',
      'ASID: address space 18',
      'PPN: root table at 0x80200000',
    ]);
    assert.equal(show('satp', 0x3n << 60n)[0], 'MODE: reserved (3)');
  });

  it('explains causes', () => {
    assert.deepEqual(show('scause', 13n), ['Interrupt: exception', 'Code: Load page fault']);
    assert.deepEqual(show('mcause', 0x8000000000000007n), ['Interrupt: interrupt', 'Code: Machine timer interrupt']);
    assert.deepEqual(show('scause', 14n), ['Interrupt: exception', 'Code: Reserved exception 14']);
  });

  it('explains status, also of a negative value', () => {
    assert.deepEqual(show('sstatus', -1n).slice(0, 3), ['SD: 1', 'UXL: 128 bits', 'MXR: 1']);
    assert.ok(show('mstatus', 0x1800n).includes('MPP: M-mode'));
    assert.ok(show('sstatus', 0x100n).includes('SPP: S-mode'));
  });

  it('explains vectors, extensions and memory protection', () => {
    assert.deepEqual(show('stvec', 0x80200101n), ['BASE: handler at 0x80200100', 'MODE: vectored']);
    assert.deepEqual(show('misa', named('misa').reset), ['MXL: 64 bits', 'Extensions: ACDFIMSU']);
    assert.equal(show('pmpcfg0', 0x9fn).at(-1), 'pmp0cfg: rwx, NAPOT: a power of two, locked');
    assert.deepEqual(show('pmpaddr0', 0x20000000n), ['address: 0x80000000']);
  });
});

describe('trap causes', () => {
  it('are found by value and by id', () => {
    for (const cause of trapCauses) {
      assert.equal(causeByValue(causeValue(cause)), cause);
      assert.equal(causeById(cause.id), cause);
      assert.match(cause.id, /^[a-z]+(-[a-z]+)*$/);
      assert.match(cause.summary, /\.$/);
    }
    assert.equal(causeById('load-page-fault')?.code, 13);
    assert.equal(causeByValue(-0x7ffffffffffffffbn)?.id, 'supervisor-timer-interrupt');
  });

  it('has a name for every value', () => {
    assert.equal(causeName(9n), 'Environment call from S-mode');
    assert.equal(causeName(0x8000000000000002n), 'Reserved interrupt 2');
  });
});
