/** The built-in firmware: how S-mode starts, its SBI calls, its timer, its traps. */
import assert from 'node:assert/strict';
import { assembleSource } from '../../src/isa/assemble';
import { CSR } from '../../src/machine/csr-numbers';
import { Machine } from '../../src/machine/machine';
import { makeEntry } from '../../src/machine/pte';

const BASE = 0x80200000n;
const SHUTDOWN = 'li a7, 8\necall\n';

function start(source: string, bootargs?: string) {
  const machine = new Machine({ memoryBytes: 16 << 20 });
  const { bytes, symbols } = assembleSource(source, BASE);
  let output = '';
  machine.uart.onOutput = (text) => (output += Buffer.from(text).toString('latin1'));
  const segments = [{ address: Number(BASE), data: bytes, memorySize: bytes.length }];
  const boot = machine.boot({ program: { entry: BASE, segments }, mode: 'supervisor', bootargs });
  return { machine, hart: machine.harts[0], boot, symbols, output: () => output };
}

const sbi = (extension: number, fn: number): string => `li a7, ${extension}\nli a6, ${fn}\necall\n`;

describe('built-in firmware', () => {
  it('enters S-mode as SBI firmware does', () => {
    const { hart, boot, machine } = start('1: j 1b', 'console=ttyS0');
    assert.equal(hart.privilege, 1);
    assert.equal(hart.state.pc, BASE);
    assert.equal(hart.state.x(10), 0n);
    assert.equal(hart.state.x(11), boot.a1);
    assert.equal(machine.memory.read32(Number(boot.a1)), 0xedfe0dd0, 'a device tree, big-endian');
    for (const csr of [CSR.satp, CSR.sie, CSR.sscratch]) assert.equal(hart.csrs.read(csr), 0n);
    assert.equal(hart.csrs.read(CSR.stvec), BASE);
    assert.equal(hart.csrs.read(CSR.mideleg), 0x222n);
    assert.equal(hart.csrs.read(CSR.medeleg) & 0xb109n, 0xb109n);
    assert.equal(hart.csrs.read(CSR.medeleg) & 0x200n, 0n);
    assert.equal(hart.csrs.read(CSR.sstatus) & 0x102n, 0n);
    assert.equal(machine.instructions, 0);
  });

  it('answers SBI calls and goes on behind them', () => {
    const { machine, hart } = start(`
      ${sbi(0x10, 0)}
      mv s0, a0
      mv s1, a1
      ${sbi(0x4242, 0)}
      mv s2, a0
      ${SHUTDOWN}`);
    assert.deepEqual(machine.run(100), { kind: 'power-off', reason: 'shutdown', code: 0 });
    assert.deepEqual([hart.state.x(8), hart.state.x(9)], [0n, 0x2000000n]);
    assert.equal(BigInt.asIntN(64, hart.state.x(18)), -2n);
    assert.deepEqual(
      [...(machine.firmware?.calls ?? [])],
      [
        ['sbi_get_spec_version', 1],
        ['sbi_unknown', 1],
        ['sbi_shutdown', 1],
      ],
    );
  });

  it('prints and reads by the debug console and the legacy calls', () => {
    const { machine, hart, output } = start(`
      li a0, 3
      la a1, text
      li a2, 0
      ${sbi(0x4442434e, 0)}
      li a0, 33
      li a7, 1
      ecall
      li a7, 2
      ecall
      mv s0, a0
      li a7, 2
      ecall
      mv s1, a0
      ${SHUTDOWN}
    text: .ascii "abc"`);
    machine.uart.receive(Uint8Array.of(0x7a));
    assert.equal(machine.run(1000).kind, 'power-off');
    assert.equal(output(), 'abc!');
    assert.equal(hart.state.x(8), 0x7an);
    assert.equal(BigInt.asIntN(64, hart.state.x(9)), -1n);
  });

  it('reads console input into memory', () => {
    const { machine, hart } = start(`
      li a0, 8
      la a1, buffer
      li a2, 0
      ${sbi(0x4442434e, 1)}
      mv s0, a1
      la t0, buffer
      ld s1, 0(t0)
      ${SHUTDOWN}
    .balign 8
    buffer: .dword 0`);
    machine.uart.receive(Uint8Array.from([1, 2, 3]));
    assert.equal(machine.run(1000).kind, 'power-off');
    assert.deepEqual([hart.state.x(8), hart.state.x(9)], [3n, 0x030201n]);
  });

  it('sends and clears software interrupts, also by a mask at a virtual address', () => {
    const { machine, hart } = start(`
      la t0, table           # the gigabyte of RAM, mapped to itself and to 0
      li t1, ${makeEntry(0x80000000, 0xcf)}
      sd t1, 0(t0)
      sd t1, 16(t0)
      srli t0, t0, 12
      li t1, ${8n << 60n}
      or t0, t0, t1
      csrw satp, t0
      li a0, 1
      li a1, 0
      ${sbi(0x735049, 0)}
      csrr s0, sip
      li a7, 3               # clear
      ecall
      csrr s1, sip
      la a0, mask
      li t0, 0x80000000
      sub a0, a0, t0
      li a7, 4               # legacy send
      ecall
      csrr s2, sip
      li a0, 0x40000000      # not mapped
      li a7, 4
      ecall
      mv s3, a0
      ${SHUTDOWN}
    .balign 8
    mask: .dword 1
    .balign 4096
    table: .skip 4096`);
    assert.equal(machine.run(1000).kind, 'power-off');
    assert.deepEqual(
      [8, 9, 18].map((register) => hart.state.x(register)),
      [2n, 0n, 2n],
    );
    assert.equal(BigInt.asIntN(64, hart.state.x(19)), -5n);
  });

  it('fences the hart that asks for it', () => {
    const { machine, hart, symbols } = start(`
      la t0, handler
      csrw stvec, t0
      la s0, table
      li t1, ${makeEntry(0x80000000, 0xcf)}
      sd t1, 0(s0)
      sd t1, 16(s0)
      srli t0, s0, 12
      li t1, ${8n << 60n}
      or t0, t0, t1
      csrw satp, t0
      li s1, 0x200000
      lwu t0, 0(s1)
      sd x0, 0(s0)
      lwu t0, 0(s1)          # the translation is still kept
      li a0, 1
      li a1, 0
      ${sbi(0x52464e43, 1)}
    here:
      lwu t0, 0(s1)
    .balign 4
    handler: ${SHUTDOWN}
    .balign 4096
    table: .skip 4096`);
    assert.equal(machine.run(1000).kind, 'power-off');
    assert.equal(hart.csrs.read(CSR.scause), 13n);
    assert.equal(hart.csrs.read(CSR.sepc), symbols.get('here'));
  });

  it('gives the supervisor its timer interrupt, once for each call', () => {
    const { machine, hart } = start(`
      la t0, handler
      csrw stvec, t0
      li t0, 0x20
      csrw sie, t0
      csrsi sstatus, 2
      li a0, 100
      ${sbi(0x54494d45, 0)}
    1: wfi
      j 1b
    .balign 4
    handler:
      csrr s0, scause
      csrr s1, time
      csrr s2, sip
      li a0, -1
      ${sbi(0x54494d45, 0)}
      csrr s3, sip
      ${SHUTDOWN}`);
    assert.equal(machine.run(1000).kind, 'waiting');
    assert.equal(machine.run(1000).kind, 'power-off');
    assert.equal(hart.state.x(8), (1n << 63n) | 5n);
    assert.equal(hart.state.x(9), 100n);
    assert.equal(hart.state.x(18), 0x20n);
    assert.equal(hart.state.x(19), 0n, 'the next call takes the pending interrupt back');
  });

  it('leaves faults, illegal instructions and calls from U-mode to S-mode', () => {
    const { machine, hart } = start(`
      la t0, handler
      csrw stvec, t0
      .word 0xffffffff
      li t0, 0x90000000
      ld a0, 0(t0)
      la t0, user
      csrw sepc, t0
      sret
    user: ecall
    .balign 4
    handler:
      csrr t1, scause
      slli s0, s0, 8
      or s0, s0, t1
      li t2, 8
      beq t1, t2, 1f
      csrr t1, sepc
      addi t1, t1, 4
      csrw sepc, t1
      sret
    1: ${SHUTDOWN}`);
    assert.equal(machine.run(1000).kind, 'power-off');
    assert.equal(hart.state.x(8), 0x020508n);
  });

  it('hands on what is not delegated, with the same effect', () => {
    const source = `
      la t0, handler
      csrw stvec, t0
      csrsi sstatus, 2
    here: .word 0xffffffff
    .balign 4
    handler: ${SHUTDOWN}`;
    const [delegated, redirected] = [start(source), start(source)];
    redirected.hart.csrs.write(CSR.medeleg, 0n);
    for (const { machine, hart, symbols } of [delegated, redirected]) {
      assert.equal(machine.run(1000).kind, 'power-off');
      assert.equal(hart.csrs.read(CSR.sepc), symbols.get('here'));
      assert.equal(hart.csrs.read(CSR.scause), 2n);
      assert.equal(hart.csrs.read(CSR.stval), 0xffffffffn);
      assert.equal(hart.csrs.read(CSR.sstatus) & 0x122n, 0x120n);
    }
  });

  it('ends the machine by system reset', () => {
    const reset = (kind: number, reason: number) => start(`li a0, ${kind}\nli a1, ${reason}\n${sbi(0x53525354, 0)}`);
    assert.deepEqual(reset(0, 0).machine.run(99), { kind: 'power-off', reason: 'shutdown', code: 0 });
    assert.deepEqual(reset(0, 1).machine.run(99), { kind: 'power-off', reason: 'failure', code: 1 });
    assert.deepEqual(reset(1, 0).machine.run(99), { kind: 'power-off', reason: 'reboot', code: 0 });
  });
});
