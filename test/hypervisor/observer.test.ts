/** Stops at VM exits: what is decided waits, can be looked at and changed, and is done when the guest goes on. */
import assert from 'node:assert/strict';
import type { ExitKind, ExitRecord } from '../../src/hypervisor/exit-record';
import { exitFields } from '../../src/hypervisor/exit-record';
import { HypervisorConsole } from '../support/hypervisor-console';
import { GuestLab } from '../support/guest-lab';
import { prompt, teachingKernel } from '../support/teaching-kernel';

const [T0, T1] = [5, 6];

/** Stops at every exit of a kind. */
function stopAt(lab: GuestLab, ...kinds: ExitKind[]): void {
  lab.hypervisor.watchedKinds = new Set(kinds);
  lab.hypervisor.onExit = (record) => {
    lab.records.push(record);
    return 'stop';
  };
}

describe('stops at VM exits', () => {
  const source = `
    li t0, 7
    at: csrrw t1, sscratch, t0
    csrr t2, sscratch
  `;

  it('leave the guest at its instruction, with nothing done', () => {
    const lab = new GuestLab(source);
    stopAt(lab, 'csrWrite');
    assert.equal(lab.run().kind, 'stopped');
    const { pendingExit } = lab.hypervisor;
    assert.equal(pendingExit?.kind, 'csrWrite');
    assert.equal(lab.vcpu.pc, lab.symbol('at'));
    assert.equal(lab.machine.harts[0].state.pc, lab.symbol('at'), 'the hart stands there as well');
    assert.equal(lab.vcpu.csrs.sscratch, 0n);
    assert.equal(lab.hypervisor.pendingVcpu, lab.vcpu);

    lab.finish();
    assert.equal(lab.hypervisor.pendingExit, undefined);
    assert.equal(lab.vcpu.csrs.sscratch, 7n);
    assert.equal(lab.records.length, 1, 'the same exit is not shown twice');
  });

  it('take account of registers changed meanwhile', () => {
    const lab = new GuestLab(source);
    stopAt(lab, 'csrWrite');
    lab.run();
    lab.vcpu.setX(T0, 99n);
    lab.vcpu.writeCsr(0x140, 5n);
    lab.finish();
    assert.equal(lab.x(T1), 5n);
    assert.equal(lab.vcpu.csrs.sscratch, 99n);
  });

  it('are given up when somebody moves the guest elsewhere', () => {
    const lab = new GuestLab(source);
    stopAt(lab, 'csrWrite');
    lab.run();
    lab.vcpu.pc = lab.symbol('shutdown');
    lab.finish();
    assert.equal(lab.vcpu.csrs.sscratch, 0n);
  });

  it('can be carried out without running the guest', () => {
    const lab = new GuestLab(source);
    stopAt(lab, 'csrWrite');
    lab.run();
    const { instructions } = lab.machine;
    assert.equal(lab.hypervisor.finishPending(), undefined);
    assert.equal(lab.vcpu.csrs.sscratch, 7n);
    assert.equal(lab.vcpu.pc, lab.symbol('at') + 4n);
    assert.equal(lab.machine.instructions, instructions);
    assert.equal(lab.hypervisor.finishPending(), undefined, 'once only');
    assert.equal(lab.vcpu.pc, lab.symbol('at') + 4n);
  });

  it('come one after the other where one exit leads to the next', () => {
    const lab = new GuestLab(`
      la t0, handler
      csrw stvec, t0
      bad: csrr t0, mstatus
      .align 2
      handler: nop
    `);
    stopAt(lab, 'illegal', 'inject');
    assert.equal(lab.run().kind, 'stopped');
    assert.equal(lab.hypervisor.pendingExit?.kind, 'illegal');
    assert.equal(lab.hypervisor.finishPending()?.kind, 'inject');
    assert.equal(lab.vcpu.pc, lab.symbol('bad'), 'still at the faulting instruction');
    assert.equal(lab.vcpu.csrs.scause, 0n);
    assert.equal(lab.run(0).kind, 'limit');
    assert.equal(lab.vcpu.pc, lab.symbol('handler'));
    assert.equal(lab.vcpu.csrs.scause, 2n);
  });

  it('do not change what the guest does, nor how many instructions it takes', () => {
    const once = new HypervisorConsole({ kernel: teachingKernel });
    const stopped = new HypervisorConsole({ kernel: teachingKernel });
    stopped.hypervisor.onExit = () => 'stop';
    once.machine.run(200_000);
    for (let stops = 0; stops < 100_000 && stopped.machine.instructions < 200_000; stops++) {
      stopped.machine.run(200_000 - stopped.machine.instructions);
    }
    assert.equal(stopped.output, once.output);
    assert.equal(stopped.machine.time, once.machine.time);
    assert.equal(stopped.vcpu.pc, once.vcpu.pc);
    for (let i = 1; i < 32; i++) assert.equal(stopped.vcpu.x(i), once.vcpu.x(i), `x${i}`);
    assert.deepEqual(stopped.vcpu.listCsrs(), once.vcpu.listCsrs());
  });

  it('happen for an interrupt between two instructions', () => {
    const lab = new GuestLab(`
      rdtime a0
      addi a0, a0, 100
      li a7, 0x54494d45
      li a6, 0
      ecall
      la t0, handler
      csrw stvec, t0
      li t0, 0x20
      csrs sie, t0
      csrsi sstatus, 2
      spin: j spin
      .align 2
      handler: nop
    `);
    stopAt(lab, 'timer', 'inject');
    assert.equal(lab.run().kind, 'stopped');
    assert.equal(lab.hypervisor.pendingExit?.kind, 'timer');
    assert.equal(lab.run().kind, 'stopped');
    const [inject] = lab.of('inject');
    assert.equal(lab.hypervisor.pendingExit, inject);
    assert.deepEqual([inject.cause, inject.interrupt], [5, true]);
    assert.equal(lab.vcpu.pc, lab.symbol('spin'));
    lab.finish();
  });

  it('hold a guest that waits, until its wfi is done', () => {
    const lab = new GuestLab('wfi');
    stopAt(lab, 'wfi');
    assert.equal(lab.run().kind, 'stopped');
    assert.equal(lab.vcpu.waiting, false);
    assert.equal(lab.run().kind, 'idle');
    assert.equal(lab.vcpu.waiting, true);
  });
});

describe('records of VM exits', () => {
  it('have the fields that the table says, and no others', async () => {
    const guest = new HypervisorConsole({ kernel: teachingKernel });
    const seen = new Map<ExitKind, ExitRecord>();
    guest.hypervisor.onExit = (record) => {
      const fields = exitFields(record.kind);
      const values = new Map(Object.entries(record));
      values.delete('kind');
      for (const { name, type, optional } of fields) {
        const value = values.get(name);
        values.delete(name);
        const place = `${record.kind}.${name}`;
        if (value === undefined) assert.equal(optional ?? false, true, place);
        else assert.equal(typeof value, TYPES[type], place);
      }
      assert.deepEqual([...values.keys()], [], record.kind);
      seen.set(record.kind, record);
      return 'go';
    };
    await guest.waitFor(prompt);
    guest.send('c\r');
    await guest.waitFor(prompt);
    assert.equal(seen.size, 12, [...seen.keys()].join());
  });
});

const TYPES = {
  text: 'string',
  number: 'number',
  flag: 'boolean',
  value: 'bigint',
  gva: 'bigint',
  gpa: 'number',
  hpa: 'number',
  entry: 'bigint',
  word: 'number',
} as const;
