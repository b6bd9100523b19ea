// Control and status registers: what is kept of a write, views, access rights, counters.
import assert from 'node:assert/strict';
import type { ExtensionSwitches } from '../isa/extensions';
import { storedCsrs } from '../../test/support/stored-csrs';
import { machineExtensions } from '../isa/extensions';
import { CsrFile } from './csr-file';
import { CSR } from './csr-numbers';
import { Pmp } from './pmp';
import { INTERRUPT, MSTATUS } from './status';

const ONES = 0xffff_ffff_ffff_ffffn;
const [U, S, M] = [0, 1, 3] as const;

function create(switches: ExtensionSwitches = {}) {
  const calls: string[] = [];
  const around = {
    hartId: 5,
    extensions: machineExtensions(switches),
    pmp: new Pmp(),
    float: { fcsr: 0, floatState: 0 },
    count: 0,
    now: 0n,
    retired: () => around.count,
    time: () => around.now,
    stored: storedCsrs(),
    translationChanged: () => calls.push('translation'),
    supervisorTimerChanged: () => calls.push('timer'),
    environmentChanged: () => calls.push('environment'),
    interruptsChanged: () => calls.push('interrupts'),
  };
  return { csrs: new CsrFile(around), around, calls };
}

/** What reads back after a write. */
function written(csr: number, value: bigint): bigint {
  const { csrs } = create();
  csrs.write(csr, value);
  return csrs.read(csr);
}

describe('CSRs keep what they can hold', () => {
  it('mstatus: fields of S- and M-mode, 64-bit widths', () => {
    assert.equal(written(CSR.mstatus, ONES), 0x8000_000a_007e_79aan);
    assert.equal(written(CSR.mstatus, 0n), 0xa_0000_0000n);
  });

  it('mstatus.MPP: the reserved mode leaves the old one', () => {
    const { csrs } = create();
    csrs.write(CSR.mstatus, 1n << 11n);
    csrs.write(CSR.mstatus, 2n << 11n);
    assert.equal(csrs.read(CSR.mstatus) & BigInt(MSTATUS.MPP), 1n << 11n);
  });

  it('sstatus is the part of mstatus that S-mode may see', () => {
    const { csrs } = create();
    csrs.write(CSR.mstatus, ONES);
    assert.equal(csrs.read(CSR.sstatus), 0x8000_0002_000c_6122n);
    csrs.write(CSR.sstatus, 0n);
    assert.equal(csrs.read(CSR.mstatus), 0xa_0072_1888n);
    csrs.write(CSR.sstatus, ONES);
    assert.equal(csrs.read(CSR.mstatus), 0x8000_000a_007e_79aan);
  });

  it('misa, mhartid and the identity registers are read-only', () => {
    assert.equal(written(CSR.misa, 0n), 0x8000_0000_0014_112dn);
    assert.equal(written(CSR.mhartid, 0n), 5n);
    for (const csr of [0xf11, 0xf12, 0xf13, 0xf15]) assert.equal(written(csr, ONES), 0n);
  });

  it('trap vectors ignore reserved modes, trap addresses are even', () => {
    for (const csr of [CSR.mtvec, CSR.stvec]) {
      assert.equal(written(csr, 0x80000101n), 0x80000101n);
      assert.equal(written(csr, 0x80000102n), 0n);
    }
    for (const csr of [CSR.mepc, CSR.sepc]) assert.equal(written(csr, ONES), ONES - 1n);
    for (const csr of [CSR.mcause, CSR.mtval, CSR.mscratch, CSR.scause, CSR.stval, CSR.sscratch]) {
      assert.equal(written(csr, ONES), ONES);
    }
  });

  it('satp ignores a write with an unsupported mode as a whole', () => {
    const { csrs } = create();
    const sv39 = (8n << 60n) | (0x1234n << 44n) | 0x80001n;
    csrs.write(CSR.satp, sv39);
    for (const mode of [1n, 7n, 11n, 15n]) csrs.write(CSR.satp, (mode << 60n) | 5n);
    assert.equal(csrs.read(CSR.satp), sv39);
    csrs.write(CSR.satp, 0n);
    assert.equal(csrs.read(CSR.satp), 0n);
  });

  it('delegation: no ecall from M-mode, supervisor interrupts only', () => {
    assert.equal(written(CSR.medeleg, ONES), 0xb3ffn);
    assert.equal(written(CSR.mideleg, ONES), 0x222n);
    assert.equal(written(CSR.mie, ONES), 0xaaan);
    assert.equal(written(CSR.mip, ONES), 0x222n);
  });

  it('pmpcfg and pmpaddr reach the protection unit', () => {
    const { csrs, around } = create();
    csrs.write(CSR.pmpaddr0 + 15, 7n);
    csrs.write(CSR.pmpcfg2, 0x1fn << 56n);
    assert.equal(around.pmp.readAddress(15), 7n);
    assert.equal(csrs.read(CSR.pmpcfg2), 0x1fn << 56n);
  });

  it('throws for a CSR that is not there', () => {
    const { csrs } = create();
    assert.throws(() => csrs.read(0x7ff), /This machine has no CSR 0x7ff/);
    assert.throws(() => csrs.write(0x008, 0n), /no CSR/);
    assert.equal(csrs.has(0x008), false);
  });

  it('lists all registers with their values', () => {
    const { csrs } = create();
    const values = new Map([...csrs.entries()].map(({ csr, value }) => [csr.name, value]));
    assert.equal(values.get('mhartid'), 5n);
    assert.equal(values.get('mstatus'), 0xa_0000_0000n);
    assert.equal(values.get('fcsr'), 0n);
  });

  it('fflags and frm are parts of fcsr, which is not there while the unit is off', () => {
    const { csrs } = create();
    assert.equal(csrs.permits(CSR.fcsr, M, false), false);
    csrs.write(CSR.mstatus, 1n << 13n);
    for (const csr of [CSR.fflags, CSR.frm, CSR.fcsr]) assert.equal(csrs.permits(csr, U, true), true);
    csrs.write(CSR.fcsr, ONES);
    assert.equal(csrs.read(CSR.fcsr), 0xffn);
    csrs.write(CSR.frm, 2n);
    csrs.write(CSR.fflags, 9n);
    assert.equal(csrs.read(CSR.fcsr), 0x49n);
    assert.equal(csrs.read(CSR.fflags), 9n);
    assert.equal(csrs.read(CSR.frm), 2n);
    assert.equal(csrs.read(CSR.sstatus), 0x8000_0002_0000_6000n);
  });
});

describe('interrupt registers', () => {
  it('sie and sip show and change what mideleg delegates', () => {
    const { csrs } = create();
    csrs.write(CSR.mie, 0xaaan);
    csrs.write(CSR.mip, 0x222n);
    assert.equal(csrs.read(CSR.sie), 0n);
    assert.equal(csrs.read(CSR.sip), 0n);
    csrs.write(CSR.mideleg, 0x202n);
    assert.equal(csrs.read(CSR.sie), 0x202n);
    assert.equal(csrs.read(CSR.sip), 0x202n);
    csrs.write(CSR.sie, 0n);
    assert.equal(csrs.read(CSR.mie), 0x8a8n);
    csrs.write(CSR.sip, 0n);
    assert.equal(csrs.read(CSR.mip), 0x220n, 'S-mode clears SSIP alone');
    csrs.write(CSR.sip, ONES);
    assert.equal(csrs.read(CSR.mip), 0x222n);
  });

  it('lines of devices are read-only, and SEIP is pending by line or software', () => {
    const { csrs } = create();
    for (const bit of [INTERRUPT.machineSoftware, INTERRUPT.machineTimer, INTERRUPT.machineExternal]) {
      csrs.setInterruptPending(bit, true);
    }
    csrs.write(CSR.mip, 0n);
    assert.equal(csrs.read(CSR.mip), 0x888n);
    csrs.setInterruptPending(INTERRUPT.supervisorExternal, true);
    assert.equal(csrs.read(CSR.mip), 0xa88n);
    assert.equal(csrs.readToModify(CSR.mip), 0x888n, 'a set or clear does not make the line a software bit');
    csrs.write(CSR.mip, 0x200n);
    csrs.setInterruptPending(INTERRUPT.supervisorExternal, false);
    assert.equal(csrs.read(CSR.mip), 0xa88n);
    assert.equal(csrs.readToModify(CSR.mip), 0xa88n);
  });

  it('firmware sets and clears STIP and SSIP', () => {
    const { csrs } = create();
    csrs.setInterruptPending(INTERRUPT.supervisorTimer, true);
    csrs.setInterruptPending(INTERRUPT.supervisorSoftware, true);
    assert.equal(csrs.read(CSR.mip), 0x22n);
    csrs.setInterruptPending(INTERRUPT.supervisorTimer, false);
    assert.equal(csrs.read(CSR.mip), 2n);
  });
});

describe('effects of CSR writes', () => {
  it('satp and status bits tell that translation may have changed', () => {
    const { csrs, calls } = create();
    csrs.write(CSR.satp, 8n << 60n);
    assert.deepEqual(calls, ['translation']);
    calls.length = 0;
    csrs.write(CSR.sstatus, BigInt(MSTATUS.SUM));
    assert.deepEqual(calls, ['translation', 'interrupts']);
    calls.length = 0;
    csrs.write(CSR.sstatus, BigInt(MSTATUS.SUM));
    assert.deepEqual(calls, [], 'nothing changed');
  });

  it('every register that can make an interrupt deliverable tells so', () => {
    const { csrs, calls } = create();
    for (const csr of [CSR.mie, CSR.sie, CSR.mip, CSR.sip, CSR.mideleg]) {
      calls.length = 0;
      csrs.write(csr, ONES);
      assert.deepEqual(calls, ['interrupts']);
    }
  });
});

describe('access to CSRs', () => {
  const { csrs } = create();

  it('needs the privilege in the number, and no writing where it says read-only', () => {
    assert.equal(csrs.permits(CSR.mstatus, M, true), true);
    assert.equal(csrs.permits(CSR.mstatus, S, false), false);
    assert.equal(csrs.permits(CSR.sstatus, S, true), true);
    assert.equal(csrs.permits(CSR.sstatus, U, false), false);
    assert.equal(csrs.permits(CSR.mhartid, M, false), true);
    assert.equal(csrs.permits(CSR.mhartid, M, true), false);
    assert.equal(csrs.permits(0x7ff, M, false), false);
    assert.equal(csrs.permits(0x003, U, false), false, 'fcsr: no floating point');
    assert.equal(csrs.permits(0x3a1, M, false), false, 'pmpcfg1: RV32 only');
  });

  it('satp traps in S-mode with TVM', () => {
    const { csrs } = create();
    assert.equal(csrs.permits(CSR.satp, S, true), true);
    csrs.write(CSR.mstatus, BigInt(MSTATUS.TVM));
    assert.equal(csrs.permits(CSR.satp, S, false), false);
    assert.equal(csrs.permits(CSR.satp, M, true), true);
  });

  it('counters are enabled bit by bit, for U-mode in both registers', () => {
    const { csrs } = create();
    const counters = [CSR.cycle, CSR.time, CSR.instret, CSR.hpmcounter31];
    for (const csr of counters) {
      assert.equal(csrs.permits(csr, M, false), true);
      assert.equal(csrs.permits(csr, S, false), false);
    }
    csrs.write(CSR.scounteren, ONES);
    assert.equal(csrs.permits(CSR.time, U, false), false);
    csrs.write(CSR.mcounteren, 2n);
    assert.equal(csrs.permits(CSR.time, S, false), true);
    assert.equal(csrs.permits(CSR.time, U, false), true);
    assert.equal(csrs.permits(CSR.cycle, S, false), false);
    csrs.write(CSR.scounteren, 5n);
    assert.equal(csrs.permits(CSR.time, U, false), false);
  });
});

describe('counters', () => {
  it('cycle and instret count instructions, time is the machine timer', () => {
    const { csrs, around } = create();
    around.count = 1234;
    around.now = 99n;
    for (const csr of [CSR.mcycle, CSR.minstret, CSR.cycle, CSR.instret]) assert.equal(csrs.read(csr), 1234n);
    assert.equal(csrs.read(CSR.time), 99n);
  });

  it('a written value counts from the next instruction on', () => {
    const { csrs, around } = create();
    around.count = 100;
    csrs.writeByInstruction(CSR.minstret, 7n);
    around.count = 101;
    assert.equal(csrs.read(CSR.minstret), 7n);
    around.count = 111;
    assert.equal(csrs.read(CSR.instret), 17n);
    assert.equal(csrs.read(CSR.mcycle), 111n);
    csrs.write(CSR.mcycle, 0n);
    assert.equal(csrs.read(CSR.mcycle), 0n, 'from outside, at once');
  });

  it('wrap at 64 bits', () => {
    const { csrs, around } = create();
    csrs.write(CSR.mcycle, ONES);
    around.count = 1;
    assert.equal(csrs.read(CSR.mcycle), 0n);
  });

  it('stand still while inhibited', () => {
    const { csrs, around } = create();
    around.count = 10;
    csrs.write(CSR.mcountinhibit, ONES);
    assert.equal(csrs.read(CSR.mcountinhibit), 5n);
    around.count = 20;
    assert.equal(csrs.read(CSR.mcycle), 10n);
    csrs.write(CSR.minstret, 3n);
    assert.equal(csrs.read(CSR.minstret), 3n);
    csrs.write(CSR.mcountinhibit, 0n);
    around.count = 25;
    assert.equal(csrs.read(CSR.mcycle), 15n);
    assert.equal(csrs.read(CSR.minstret), 8n);
  });
});
