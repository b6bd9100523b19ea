/** The hart around the engine: stops at traps, handlers in TypeScript, retired instructions, translations that are kept. */
import assert from 'node:assert/strict';
import { CSR } from '../../src/machine/csr-numbers';
import type { Trap } from '../../src/machine/hart';
import type { Machine } from '../../src/machine/machine';
import { makeSatp, sv39 } from '../../src/machine/paging';
import { makeEntry } from '../../src/machine/pte';
import { MSTATUS } from '../../src/machine/status';
import { assembledMachine, FLAT_BASE } from '../support/flat-program';

const ROOT = 0x80100000;
const OTHER_ROOT = 0x80101000;
const RWX = 0xcf;
const USER_RWX = 0xdf;

const start = (source: string) => assembledMachine(source);

/** M-mode code that goes on at the label `target` in this mode, with all memory open. */
const enter = (mode: 'S' | 'U'): string => `
  li t0, -1
  csrw pmpaddr0, t0
  li t0, 0x1f
  csrw pmpcfg0, t0
  la t0, target
  csrw mepc, t0
  li t0, 0x1800
  csrc mstatus, t0
  li t0, ${mode === 'S' ? 0x800 : 0}
  csrs mstatus, t0
  mret
.balign 4
target:
`;

describe('traps that the debugger asks to stop at', () => {
  const source = `
    la t0, handler
    csrw mtvec, t0
    nop
  here:
    ecall
    nop
  .balign 4
  handler:
    li a0, 1
  1: j 1b`;

  it('are not taken: the hart stands at the instruction', () => {
    const { machine, label } = start(source);
    const [hart] = machine.harts;
    const asked: Trap[] = [];
    hart.onTrap = (trap) => {
      const { cause, interrupt, tval, pc, from, to } = trap;
      asked.push({ cause, interrupt, tval, pc, from, to });
      return 'stop';
    };
    assert.deepEqual(machine.run(1000), { kind: 'stopped' });
    assert.equal(hart.state.pc, label('here'));
    assert.equal(hart.csrs.read(CSR.mcause), 0n);
    assert.equal(machine.instructions, 4);
    assert.deepEqual(asked, [{ cause: 11, interrupt: false, tval: 0n, pc: label('here'), from: 3, to: 3 }]);
  });

  it('are taken when the machine goes on, without a further question and without a trace in time', () => {
    const [stopped, free] = [start(source), start(source)];
    let questions = 0;
    stopped.machine.harts[0].onTrap = () => {
      questions++;
      return 'stop';
    };
    stopped.machine.run(1000);
    stopped.machine.run(100 - stopped.machine.instructions);
    free.machine.run(100);
    assert.equal(questions, 1);
    assert.equal(stopped.machine.instructions, 100);
    assert.equal(stopped.machine.harts[0].state.pc, free.machine.harts[0].state.pc);
    assert.equal(stopped.machine.harts[0].state.x(10), 1n);
    assert.equal(stopped.machine.harts[0].csrs.read(CSR.minstret), free.machine.harts[0].csrs.read(CSR.minstret));
  });

  it('are taken by a step, too', () => {
    const { machine, label } = start(source);
    machine.harts[0].onTrap = () => 'stop';
    machine.run(1000);
    machine.step();
    assert.equal(machine.harts[0].state.pc, label('handler'));
  });

  it('can be faults of fetches and accesses', () => {
    const { machine, label } = start('li t0, 0x90000000\nhere: ld a0, 0(t0)\nld a1, 0(t0)');
    const [hart] = machine.harts;
    hart.onTrap = ({ cause }) => (cause === 5 ? 'stop' : 'take');
    machine.run(1000);
    assert.equal(hart.state.pc, label('here'));
    hart.state.setX(5, FLAT_BASE);
    machine.run(2);
    assert.notEqual(hart.state.x(11), 0n, 'the instruction was repeated with the register changed');
  });

  it('can be interrupts', () => {
    const { machine, label } = start(`
      la t0, handler
      csrw mtvec, t0
      li t0, 2
      csrw mie, t0
      csrw mip, t0
      csrsi mstatus, 8
    here: nop
    .balign 4
    handler: nop
    1: j 1b`);
    const [hart] = machine.harts;
    hart.onTrap = () => 'stop';
    assert.deepEqual(machine.run(1000), { kind: 'stopped' });
    assert.equal(hart.state.pc, label('here'));
    machine.run(1);
    assert.equal(hart.csrs.read(CSR.mepc), label('here'));
    assert.equal(hart.state.pc, label('handler') + 4n);
  });
});

describe('handlers in TypeScript', () => {
  it('take traps into S-mode after the architectural entry', () => {
    const { machine, label } = start(`
      li t0, 0x100
      csrw medeleg, t0
      li t0, 0x12345600
      csrw stvec, t0
      ${enter('U')}
      ecall
      li a1, 5
    1: j 1b`);
    const [hart] = machine.harts;
    const seen: unknown[] = [];
    hart.supervisor = (trap) => {
      const { csrs, state } = hart;
      seen.push([trap.cause, state.privilege, state.pc, csrs.read(CSR.sepc), csrs.read(CSR.scause)]);
      csrs.write(CSR.sepc, trap.pc + 4n);
      hart.sret();
    };
    machine.run(1000);
    assert.deepEqual(seen, [[8, 1, 0x12345600n, label('target'), 8n]]);
    assert.equal(hart.privilege, 0);
    assert.equal(hart.state.x(11), 5n);
  });

  it('take traps into M-mode, and can hand them on to S-mode as if they had been delegated', () => {
    const { machine, label } = start(`
      la t0, handler
      csrw stvec, t0
      csrsi mstatus, 2
      ${enter('S')}
    here: .word 0xffffffff
    .balign 4
    handler:
      csrr a0, sepc
      csrr a1, scause
      csrr a2, stval
      csrr a3, sstatus
    1: j 1b`);
    const [hart] = machine.harts;
    hart.firmware = (trap) => hart.redirectToSupervisor(trap);
    machine.run(1000);
    const { state } = hart;
    assert.equal(hart.privilege, 1);
    assert.deepEqual([state.x(10), state.x(11), state.x(12)], [label('here'), 2n, 0xffffffffn]);
    assert.equal(state.x(13) & 0x122n, BigInt(MSTATUS.SPP | MSTATUS.SPIE));
  });

  it('that leave an interrupt pending do not hold the machine for ever', () => {
    const { machine } = start(`
      li t0, 2
      csrw mideleg, t0
      csrw mie, t0
      csrw mip, t0
      ${enter('U')}
    1: j 1b`);
    const [hart] = machine.harts;
    let interrupts = 0;
    hart.supervisor = () => {
      interrupts++;
      hart.sret();
    };
    assert.deepEqual(machine.run(1000), { kind: 'limit' });
    assert.ok(interrupts > 0 && interrupts < 1000);
  });

  it('can stop the machine', () => {
    const { machine } = start(`li t0, 0x100\ncsrw medeleg, t0\n${enter('U')}\necall\n1: j 1b`);
    const [hart] = machine.harts;
    hart.supervisor = () => machine.requestStop();
    assert.deepEqual(machine.run(1000), { kind: 'stopped' });
    assert.equal(hart.privilege, 1);
  });
});

describe('the hart counts', () => {
  it('completed instructions, not those that trapped', () => {
    const { machine } = start(`
      la t0, handler
      csrw mtvec, t0
      csrr a0, minstret
      ecall
      csrr a1, minstret
    1: j 1b
    .balign 4
    handler:
      csrr t0, mepc
      addi t0, t0, 4
      csrw mepc, t0
      li t0, 0x1800
      csrs mstatus, t0
      mret`);
    machine.run(100);
    const { state } = machine.harts[0];
    // csrr, six (li is lui and addiw) of the handler with mret; not ecall.
    assert.equal(state.x(11) - state.x(10), 8n);
    assert.equal(machine.harts[0].retired, 99);
  });
});

describe('the hart translates', () => {
  /** Maps the gigabyte of RAM to itself, and the one at 0 to it as well, in both roots. */
  function mapAll(machine: Machine, bits = RWX): void {
    for (const root of [ROOT, OTHER_ROOT]) {
      machine.memory.write64(root + 16, makeEntry(0x80000000, bits));
      machine.memory.write64(root, makeEntry(0x80000000, bits));
    }
  }

  /** In S-mode: reads 0x200 with the first root, changes its entry to point elsewhere, does `between`, and reads again. */
  const remap = (asid: number, between: string): string => `
    la t0, handler
    csrw mtvec, t0
    ${enter('S')}
    li s0, ${makeSatp(sv39, ROOT, asid)}
    li s1, ${makeSatp(sv39, OTHER_ROOT, asid)}
    csrw satp, s0
    lwu a0, 0x200(x0)
    li t0, ${ROOT}
    li t1, ${makeEntry(0xc0000000, RWX)}
    sd t1, 0(t0)
    ${between}
    lwu a1, 0x200(x0)
  .balign 4
  handler: j handler`;

  function run(source: string): { first: bigint; second: bigint; cause: bigint } {
    const { machine } = start(source);
    mapAll(machine);
    machine.memory.write32(0x80000200, 0x1111);
    machine.run(60);
    const [hart] = machine.harts;
    return { first: hart.state.x(10), second: hart.state.x(11), cause: hart.csrs.read(CSR.mcause) };
  }

  it('by kept translations until SFENCE.VMA', () => {
    assert.deepEqual(run(remap(0, '')), { first: 0x1111n, second: 0x1111n, cause: 0n });
    assert.equal(run(remap(0, 'sfence.vma')).cause, 5n);
  });

  it('by none kept of a superpage after SFENCE.VMA for another address in it', () => {
    assert.equal(run(remap(0, 'li t0, 0x10000000\nsfence.vma t0')).cause, 5n);
    assert.equal(run(remap(0, 'li t0, 0x40005000\nsfence.vma t0')).cause, 0n);
  });

  it('by none kept when satp changes without an ASID, as in QEMU', () => {
    assert.equal(run(remap(0, 'csrw satp, s1\ncsrw satp, s0')).cause, 5n);
    assert.equal(run(remap(0, 'csrw satp, s0')).cause, 0n, 'the same satp');
  });

  it('by those kept for an address space with an ASID', () => {
    assert.deepEqual(run(remap(7, 'csrw satp, s1\ncsrw satp, s0')), { first: 0x1111n, second: 0x1111n, cause: 0n });
  });

  it('and MPRV ends when M-mode does', () => {
    const { machine } = start(`
      li t0, ${MSTATUS.MPRV}
      csrs mstatus, t0
      ${enter('S')}
    1: j 1b`);
    mapAll(machine);
    machine.run(100);
    assert.equal(machine.harts[0].csrs.state.status & MSTATUS.MPRV, 0);
    const { machine: other } = start(`
      li t0, ${MSTATUS.MPRV | MSTATUS.MPP}
      csrs mstatus, t0
      la t0, target
      csrw sepc, t0
      sret
    target: j target`);
    other.run(100);
    assert.equal(other.harts[0].csrs.state.status & MSTATUS.MPRV, 0);
  });

  it('user pages for S-mode only while SUM is set, which takes effect at once', () => {
    const { machine } = start(`
      la t0, handler
      csrw mtvec, t0
      li a1, 0
      ${enter('S')}
      li s0, ${makeSatp(sv39, ROOT)}
      csrw satp, s0
      li t0, ${MSTATUS.SUM}
      csrs sstatus, t0
      lwu a0, 0x200(x0)
      csrc sstatus, t0
      lwu a1, 0x200(x0)
    .balign 4
    handler: csrr a2, mcause
    1: j 1b`);
    mapAll(machine);
    machine.memory.write64(ROOT, makeEntry(0x80000000, USER_RWX));
    machine.memory.write32(0x80000200, 0x2222);
    machine.run(60);
    const { state } = machine.harts[0];
    assert.deepEqual([state.x(10), state.x(11), state.x(12)], [0x2222n, 0n, 13n]);
  });
});
