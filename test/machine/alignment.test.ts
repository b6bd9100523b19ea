// Accesses that are not aligned: done for loads and stores, trapped for atomics; and the rules of reservations.
import assert from 'node:assert/strict';
import { assembleSource } from '../../src/isa/assemble';
import { CSR } from '../../src/machine/csr-numbers';
import { EXCEPTION, MSTATUS } from '../../src/machine/status';
import { FLAT_BASE, flatMachine } from '../support/flat-program';

const DATA = 0x80100000;
const [A0, S0, S1] = [10, 8, 9];
const [LOAD_MISALIGNED, STORE_MISALIGNED] = [4, 6];

/** Runs M-mode code up to its end or its first trap; s0 is DATA, s1 the end of RAM. */
function run(code: string) {
  const { machine } = flatMachine(assembleSource(`${code}\n  ebreak`, FLAT_BASE).bytes);
  const [hart] = machine.harts;
  machine.memory.load(
    DATA,
    Uint8Array.from({ length: 64 }, (_, i) => i),
  );
  hart.state.setX(S0, BigInt(DATA));
  hart.state.setX(S1, FLAT_BASE + BigInt(machine.memory.size));
  hart.csrs.write(CSR.mstatus, BigInt(MSTATUS.FS));
  let seen = { cause: -1, tval: 0n };
  hart.onTrap = ({ cause, tval }) => {
    seen = { cause, tval };
    return 'stop';
  };
  machine.run(1000);
  return { ...seen, a0: hart.state.x(A0), machine };
}

const DONE = EXCEPTION.breakpoint;

describe('misaligned accesses', () => {
  const done: [code: string, a0: bigint][] = [
    ['lh a0, 1(s0)', 0x0201n],
    ['lw a0, 3(s0)', 0x06050403n],
    ['ld a0, 5(s0)', 0x0c0b0a0908070605n],
    ['li t0, 0x1122334455667788\nsd t0, 3(s0)\nld a0, 3(s0)', 0x1122334455667788n],
    ['li t0, 0x55667788\nsw t0, 1(s0)\nld a0, 0(s0)', 0x0706055566778800n],
    ['fld fa0, 5(s0)\nfmv.x.d a0, fa0', 0x0c0b0a0908070605n],
    ['flw fa0, 3(s0)\nfmv.x.d a0, fa0', 0xffffffff06050403n],
    ['fld fa0, 0(s0)\nfsd fa0, 9(s0)\nld a0, 9(s0)', 0x0706050403020100n],
  ];
  for (const [code, a0] of done) {
    it(`${code.replaceAll('\n', '; ')}: done`, () => {
      const result = run(code);
      assert.deepEqual([result.cause, result.a0], [DONE, a0]);
    });
  }

  it('at the end of RAM fault with the first byte beyond, and store nothing', () => {
    for (const [code, cause] of [
      ['ld a0, -4(s1)', EXCEPTION.loadAccess],
      ['sd s0, -4(s1)', EXCEPTION.storeAccess],
      ['fld fa0, -4(s1)', EXCEPTION.loadAccess],
      ['fsd fa0, -4(s1)', EXCEPTION.storeAccess],
    ] as const) {
      const result = run(code);
      const end = Number(FLAT_BASE) + result.machine.memory.size;
      assert.deepEqual([result.cause, result.tval], [cause, BigInt(end)], code);
      assert.equal(result.machine.memory.read32(end - 4), 0, code);
    }
  });

  it('of atomics trap with the address, also where there is no memory', () => {
    for (const [code, cause] of [
      ['lr.w a0, (t0)', LOAD_MISALIGNED],
      ['lr.d a0, (t0)', LOAD_MISALIGNED],
      ['sc.w a0, a0, (t0)', STORE_MISALIGNED],
      ['sc.d a0, a0, (t0)', STORE_MISALIGNED],
      ['amoadd.w a0, a0, (t0)', STORE_MISALIGNED],
      ['amomaxu.d a0, a0, (t0)', STORE_MISALIGNED],
    ] as const) {
      for (const offset of code.includes('.d') ? [1, 2, 4, 7] : [1, 2, 3]) {
        const result = run(`addi t0, s0, ${offset}\n${code}`);
        assert.deepEqual([result.cause, result.tval], [cause, BigInt(DATA + offset)], code);
      }
      assert.deepEqual(run(`li t0, 2\n${code}`).tval, 2n, code);
    }
    assert.equal(run('addi t0, s0, 4\namoadd.w a0, zero, (t0)').cause, DONE);
  });
});

describe('reservations', () => {
  const SUCCESS = 0n;
  const FAILURE = 1n;
  const cases: [what: string, code: string, a0: bigint][] = [
    ['SC after LR', 'lr.d t0, (s0)\nsc.d a0, s0, (s0)', SUCCESS],
    ['SC without LR', 'sc.d a0, s0, (s0)', FAILURE],
    ['a second SC', 'lr.d t0, (s0)\nsc.d t1, s0, (s0)\nsc.d a0, s0, (s0)', FAILURE],
    ['SC after an SC that failed', 'lr.d t0, (s0)\naddi t2, s0, 8\nsc.d t1, s0, (t2)\nsc.d a0, s0, (s0)', FAILURE],
    ['SC elsewhere', 'lr.d t0, (s0)\naddi t2, s0, 8\nsc.d a0, s0, (t2)', FAILURE],
    ['SC after an LR elsewhere', 'lr.d t0, (s0)\naddi t2, s0, 8\nlr.d t0, (t2)\nsc.d a0, s0, (s0)', FAILURE],
    ['SC after loads and stores elsewhere', 'lr.w t0, (s0)\nld t1, 8(s0)\nsd t1, 16(s0)\nsc.w a0, s0, (s0)', SUCCESS],
    ['SC after the place was changed', 'lr.w t0, (s0)\nsw zero, 0(s0)\nsc.w a0, s0, (s0)', FAILURE],
    ['SC after an AMO changed the place', 'lr.w t0, (s0)\namoor.w t1, s0, (s0)\nsc.w a0, s0, (s0)', FAILURE],
    ['SC after FENCE', 'lr.d t0, (s0)\nfence\nsc.d a0, s0, (s0)', SUCCESS],
    [
      'SC after a trap',
      `la t0, handler\ncsrw mtvec, t0\nlr.d t0, (s0)\necall\n.align 2\nhandler: sc.d a0, s0, (s0)`,
      FAILURE,
    ],
  ];
  for (const [what, code, a0] of cases) {
    it(`${what}: ${a0 === SUCCESS ? 'succeeds' : 'fails'}`, () => {
      const { machine } = flatMachine(assembleSource(`${code}\n1: j 1b`, FLAT_BASE).bytes);
      const { state } = machine.harts[0];
      machine.memory.write64(DATA, 0x123n);
      state.setX(S0, BigInt(DATA));
      machine.run(100);
      assert.equal(state.x(A0), a0);
    });
  }

  it('an SC that fails stores nothing', () => {
    const { machine, a0 } = run('sc.d a0, s1, (s0)');
    assert.equal(a0, FAILURE);
    assert.equal(machine.memory.read64(DATA), 0x0706050403020100n);
  });
});
