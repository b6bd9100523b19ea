// Every CSR of a running hart: what each field keeps of each value, by its rule in the table; and the counters, exactly.
import assert from 'node:assert/strict';
import { assembleSource } from '../../src/isa/assemble';
import { bitRange } from '../../src/isa/csr-description';
import type { CsrDescription, CsrField } from '../../src/isa/csrs';
import { csrs, fieldValue } from '../../src/isa/csrs';
import { isImplemented, switchableExtensions } from '../../src/isa/extensions';
import { CSR } from '../../src/machine/csr-numbers';
import type { Hart } from '../../src/machine/hart';
import { MSTATUS } from '../../src/machine/status';
import { FLAT_BASE, flatMachine } from '../support/flat-program';
import { valuesFor } from './csr-values';

const everything = Object.fromEntries(switchableExtensions.map((name) => [name, true]));
const [A0, A1, A2, A3, A4] = [10, 11, 12, 13, 14];

/** Set by what they sum up, count or show, not by what is written. */
const SHOWS_OTHERS = ['SD', 'cycle', 'time', 'instret', 'mcycle', 'minstret'];
/** A reserved rounding mode is kept, and makes instructions that use it illegal (Unprivileged 20.2). */
const KEEPS_RESERVED = ['frm', 'fcsr'];
/** Fields that are writable in part, or where a write is refused as a whole because of another field. */
const REFUSING = ['satp', 'stvec', 'mtvec', 'pmpcfg0', 'pmpcfg2'];

/** What is wrong about the field after the write; undefined when its rule was kept. */
function broken(
  csr: CsrDescription,
  field: CsrField,
  written: bigint,
  before: bigint,
  after: bigint,
): string | undefined {
  const [was, wanted, is] = [before, written, after].map((value) => fieldValue(field, value));
  const fixed = csr.readOnly || field.access === 'RO' || field.access === 'WPRI' || !isImplemented(field.extension);
  if (fixed) return is === was ? undefined : 'is read-only, and changed';
  const isAny = field.values === undefined || KEEPS_RESERVED.includes(csr.name);
  if (!isAny && !(Number(is) in field.values)) return 'holds a reserved value';
  const legal = isAny || Number(wanted) in field.values;
  if (!legal) return is === was ? undefined : 'changed by a reserved value';
  const writable = field.writable === undefined ? wanted : fieldValue(field, written & field.writable);
  if (is === writable || (REFUSING.includes(csr.name) && is === was)) return undefined;
  return `should hold 0x${writable.toString(16)}`;
}

describe('CSRs of the hart', () => {
  let hart: Hart;
  before(() => {
    const { machine } = flatMachine(assembleSource('nop', FLAT_BASE).bytes, everything);
    [hart] = machine.harts;
    // All supervisor interrupts delegated, and the float unit on, so that their CSRs are not empty views.
    hart.csrs.write(CSR.mideleg, 0x222n);
    hart.csrs.write(CSR.mstatus, BigInt(MSTATUS.FS));
  });

  for (const csr of csrs) {
    it(`${csr.name}: keeps of each value of each field what the field's rule says, and nothing outside`, () => {
      const fields = csr.fields.filter(({ name }) => !SHOWS_OTHERS.includes(name) && !SHOWS_OTHERS.includes(csr.name));
      const outside = csr.fields.reduce((mask, { high, low }) => mask & ~bitRange(high, low), bitRange(63, 0));
      const first = hart.csrs.read(csr.number);
      for (const written of valuesFor(csr)) {
        const value = csr.name.startsWith('pmpcfg') ? written & ~0x8080_8080_8080_8080n : written;
        hart.csrs.write(csr.number, first);
        const before = hart.csrs.read(csr.number);
        hart.csrs.write(csr.number, value);
        const after = hart.csrs.read(csr.number);
        assert.equal(after & outside, 0n, 'bits that belong to no field');
        for (const field of fields) {
          const problem = broken(csr, field, value, before, after);
          assert.equal(problem, undefined, `${field.name} of 0x${value.toString(16)}: 0x${after.toString(16)}`);
        }
      }
      hart.csrs.write(csr.number, first);
    });
  }
});

/** Runs the code, which ends in a loop. @returns a0 to a4 */
function run(code: string): bigint[] {
  const { machine } = flatMachine(assembleSource(`${code}\n1: j 1b`, FLAT_BASE).bytes);
  machine.run(500);
  const { state } = machine.harts[0];
  return [A0, A1, A2, A3, A4].map((register) => state.x(register));
}

describe('counters of a running hart', () => {
  for (const counter of ['mcycle', 'minstret']) {
    it(`${counter}: a written value is what the next instruction reads, and goes on from there`, () => {
      const counted = run(`li t0, 1000\ncsrw ${counter}, t0\ncsrr a0, ${counter}\nnop\nnop\ncsrr a1, ${counter}`);
      assert.deepEqual(counted.slice(0, 2), [1000n, 1003n]);
      assert.equal(run(`li t0, -1\ncsrw ${counter}, t0\nnop\ncsrr a0, ${counter}`)[0], 0n);
      const swapped = run(`li t0, 1000\ncsrw ${counter}, t0\nli t1, 5\ncsrrw a0, ${counter}, t1\ncsrr a1, ${counter}`);
      assert.deepEqual(swapped.slice(0, 2), [1001n, 5n]);
    });

    it(`${counter}: stands still from the instruction after the one that inhibits it`, () => {
      const bit = counter === 'mcycle' ? 1 : 4;
      const values = run(`
        li t1, ${bit}
        li t0, 100
        csrw ${counter}, t0
        csrw mcountinhibit, t1
        csrr a0, ${counter}
        nop
        csrr a1, ${counter}
        li t0, 7
        csrw ${counter}, t0
        nop
        csrr a2, ${counter}
        csrw mcountinhibit, zero
        csrr a3, ${counter}
        csrr a4, ${counter}`);
      assert.equal(values[0], values[1]);
      assert.equal(values[2], 7n, 'it can be set while it stands');
      assert.equal(values[4] - values[3], 1n);
      assert.ok(values[3] === 7n || values[3] === 8n);
    });
  }

  it('inhibiting one lets the other go on', () => {
    const [before, after, cycle, later] = run(`
      csrwi mcountinhibit, 1
      csrr a2, mcycle
      csrr a0, minstret
      nop
      csrr a1, minstret
      csrr a3, mcycle`);
    assert.equal(after - before, 2n);
    assert.equal(cycle, later);
  });

  it('an instruction that traps counts as a cycle of none completed', () => {
    const [first, second] = run(`
      la t0, handler
      csrw mtvec, t0
      csrr a0, minstret
      ecall
      .align 2
    handler:
      csrr a1, minstret`);
    assert.equal(second - first, 1n);
  });

  it('event counters exist, read zero and stay so', () => {
    for (const code of ['csrw mhpmcounter3, t0\ncsrr a0, mhpmcounter3', 'csrw mhpmevent31, t0\ncsrr a0, mhpmevent31']) {
      assert.equal(run(`li a0, 9\nli t0, -1\n${code}`)[0], 0n);
    }
    assert.equal(run('li a0, 9\ncsrr a0, hpmcounter31')[0], 0n);
  });
});
