// Where traps go, which interrupt is taken, and the stack of modes in mstatus.
import assert from 'node:assert/strict';
import { machineExtensions } from '../isa/extensions';
import { CsrFile } from './csr-file';
import { CSR } from './csr-numbers';
import type { CsrState } from './csr-state';
import { Pmp } from './pmp';
import { MSTATUS } from './status';
import { storedCsrs } from '../../test/support/stored-csrs';
import { deliverableInterrupt, handlerAddress, handlerOf, popStatus, pushStatus } from './traps';

const [U, S, M] = [0, 1, 3] as const;
const ALL = 0xaaan;
const SUPERVISOR = 0x222n;

/** CSRs with these values. */
function state(values: Partial<Record<keyof typeof CSR, bigint>>, lines: readonly number[] = []): CsrState {
  const nothing = (): void => {};
  const around = {
    hartId: 0,
    extensions: machineExtensions(),
    pmp: new Pmp(),
    float: { fcsr: 0, floatState: 0 },
    retired: () => 0,
    time: () => 0n,
  };
  const csrs = new CsrFile({
    ...around,
    stored: storedCsrs(),
    translationChanged: nothing,
    supervisorTimerChanged: nothing,
    environmentChanged: nothing,
    interruptsChanged: nothing,
  });
  for (const [name, value] of Object.entries(values)) csrs.write(CSR[name as keyof typeof CSR], value);
  for (const line of lines) csrs.setInterruptPending(line, true);
  return csrs.state;
}

describe('interrupts', () => {
  it('come in the order MEI, MSI, MTI, SEI, SSI, STI', () => {
    const order: number[] = [];
    const csrs = state({ mie: ALL, mip: SUPERVISOR }, [3, 7, 11]);
    for (let i = 0; i < 6; i++) {
      const next = deliverableInterrupt(csrs, S);
      order.push(next);
      csrs.pendingLines &= ~(1 << next);
      csrs.pendingBySoftware &= ~(1 << next);
    }
    assert.deepEqual(order, [11, 3, 7, 9, 1, 5]);
    assert.equal(deliverableInterrupt(csrs, S), -1);
  });

  it('for M-mode come before those delegated, whatever their number', () => {
    const csrs = state({ mie: ALL, mip: SUPERVISOR, mideleg: 0x202n, mstatus: BigInt(MSTATUS.SIE) });
    assert.equal(deliverableInterrupt(csrs, S), 5);
  });

  it('must be enabled one by one in mie', () => {
    assert.equal(deliverableInterrupt(state({ mie: 0x20n, mip: SUPERVISOR }), U), 5);
    assert.equal(deliverableInterrupt(state({ mie: 0n, mip: SUPERVISOR }), U), -1);
  });

  it('are enabled by mode: always for a higher one, by MIE or SIE in the same, never for a lower one', () => {
    const forMachine = { mie: ALL, mip: 2n };
    assert.equal(deliverableInterrupt(state(forMachine), U), 1);
    assert.equal(deliverableInterrupt(state(forMachine), S), 1);
    assert.equal(deliverableInterrupt(state(forMachine), M), -1);
    assert.equal(deliverableInterrupt(state({ ...forMachine, mstatus: BigInt(MSTATUS.MIE) }), M), 1);

    const forSupervisor = { ...forMachine, mideleg: SUPERVISOR };
    assert.equal(deliverableInterrupt(state(forSupervisor), U), 1);
    assert.equal(deliverableInterrupt(state(forSupervisor), S), -1);
    const enabled = BigInt(MSTATUS.SIE | MSTATUS.MIE);
    assert.equal(deliverableInterrupt(state({ ...forSupervisor, mstatus: enabled }), S), 1);
    assert.equal(deliverableInterrupt(state({ ...forSupervisor, mstatus: enabled }), M), -1);
  });
});

describe('trap handlers', () => {
  it('are S-mode for what is delegated, unless it comes from M-mode', () => {
    const csrs = state({ medeleg: 1n << 13n, mideleg: 1n << 5n });
    assert.equal(handlerOf(csrs, 13, false, U), S);
    assert.equal(handlerOf(csrs, 13, false, S), S);
    assert.equal(handlerOf(csrs, 13, false, M), M);
    assert.equal(handlerOf(csrs, 12, false, S), M);
    assert.equal(handlerOf(csrs, 5, true, S), S);
    assert.equal(handlerOf(csrs, 13, true, U), M);
    assert.equal(handlerOf(csrs, 45, false, U), M, 'no delegation bit');
  });

  it('start at the base, and vectored ones for interrupts at their slot', () => {
    assert.equal(handlerAddress(0x80001000n, 5, true), 0x80001000n);
    assert.equal(handlerAddress(0x80001001n, 5, true), 0x80001014n);
    assert.equal(handlerAddress(0x80001001n, 13, false), 0x80001000n);
    assert.equal(handlerAddress(0xffff_ffff_ffff_fffdn, 9, true), 0x20n);
  });
});

describe('the stack in mstatus', () => {
  it('is pushed by a trap into S-mode', () => {
    assert.equal(pushStatus(MSTATUS.SIE, S, S), MSTATUS.SPIE | MSTATUS.SPP);
    assert.equal(pushStatus(MSTATUS.SPIE | MSTATUS.SPP | MSTATUS.MIE, U, S), MSTATUS.MIE);
  });

  it('is pushed by a trap into M-mode', () => {
    assert.equal(pushStatus(MSTATUS.MIE | MSTATUS.SIE, S, M), MSTATUS.MPIE | MSTATUS.SIE | (S << 11));
    assert.equal(pushStatus(0, M, M), MSTATUS.MPP);
    assert.equal(pushStatus(MSTATUS.MPP | MSTATUS.MPRV, U, M), MSTATUS.MPRV);
  });

  it('is popped by SRET', () => {
    const toSupervisor = popStatus(MSTATUS.SPIE | MSTATUS.SPP, S);
    assert.deepEqual(toSupervisor, { status: MSTATUS.SIE | MSTATUS.SPIE, privilege: S });
    const toUser = popStatus(MSTATUS.SIE | MSTATUS.MPRV, S);
    assert.deepEqual(toUser, { status: MSTATUS.SPIE, privilege: U });
  });

  it('is popped by MRET, and MPRV ends with M-mode', () => {
    const toMachine = popStatus(MSTATUS.MPP | MSTATUS.MPRV | MSTATUS.MPIE, M);
    assert.deepEqual(toMachine, { status: MSTATUS.MPRV | MSTATUS.MIE | MSTATUS.MPIE, privilege: M });
    const toSupervisor = popStatus((S << 11) | MSTATUS.MPRV | MSTATUS.MIE, M);
    assert.deepEqual(toSupervisor, { status: MSTATUS.MPIE, privilege: S });
  });
});
