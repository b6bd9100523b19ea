/** Each kind of VM exit, by small guests: what the record says, and what is done. */
import assert from 'node:assert/strict';
import { SSTATUS } from '../../src/hypervisor/guest-csrs';
import { GuestLab } from '../support/guest-lab';

const [T0, T1, T2, S2, S3, S4] = [5, 6, 7, 18, 19, 20];

/** Traps go to `handler`, which keeps scause, stval, sepc in s2 to s4, and goes on at s1 in supervisor mode. */
const HANDLER = `
 j start
 .align 2
handler: csrr s2, scause
 csrr s3, stval
 csrr s4, sepc
 csrw sepc, s1
 li s5, 0x100
 csrs sstatus, s5
 sret
start: la t0, handler
 csrw stvec, t0
 la s1, shutdown
`;

/** Sets `register` in sstatus and returns to the label in user mode. */
const toUser = (label: string): string => ` la t0, ${label}
 csrw sepc, t0
 li t0, 0x100
 csrc sstatus, t0
 sret
`;

describe('VM exits: CSR accesses', () => {
  it('read and write guest CSRs, old value and new', () => {
    const lab = new GuestLab(`
      li t0, 0x1234
      csrw sscratch, t0
      csrrs t1, sscratch, x0
      csrrci t2, sscratch, 4
      li t0, -1
      csrw sepc, t0
    `);
    lab.finish();
    assert.deepEqual([lab.x(T1), lab.x(T2)], [0x1234n, 0x1234n]);
    assert.equal(lab.vcpu.csrs.sscratch, 0x1230n);
    const [, clear, sepc] = lab.of('csrWrite');
    assert.deepEqual(
      { csr: clear.csr, number: clear.csrNumber, old: clear.old, new: clear.new, rd: clear.rd },
      { csr: 'sscratch', number: 0x140, old: 0x1234n, new: 0x1230n, rd: T2 },
    );
    assert.equal(sepc.written, 0xffff_ffff_ffff_ffffn);
    assert.equal(sepc.new, 0xffff_ffff_ffff_fffen);
    const [read] = lab.of('csrRead');
    assert.deepEqual([read.csr, read.old, read.virtualPrivilege, read.rd], ['sscratch', 0x1234n, 'vS', T1]);
    assert.equal(read.count, lab.records.indexOf(read) + 2, 'li, csrw come before');
  });

  it('refuse machine CSRs, read-only and unknown ones, as the architecture does', () => {
    for (const [instruction, csr] of [
      ['csrr t0, mstatus', 'mstatus'],
      ['csrw 0x5c0, t0', '0x5c0'],
      ['csrw cycle, t0', 'cycle'],
      ['csrr t0, hstatus_is_0x600'.replace('hstatus_is_', ''), 'hstatus'],
    ]) {
      const lab = new GuestLab(`${HANDLER} bad: ${instruction}`);
      lab.finish();
      const word = lab.of('illegal')[0].instruction;
      assert.deepEqual([lab.x(S2), lab.x(S3), lab.x(S4)], [2n, BigInt(word ?? 0), lab.symbol('bad')], instruction);
      assert.equal(lab.of('illegal')[0].csr, csr);
      assert.equal(lab.of('inject')[0].cause, 2);
    }
  });

  it('write sstatus in each form, also where a register is source and destination', () => {
    const dirty = SSTATUS.UXL_64 | SSTATUS.FS | SSTATUS.SD;
    const all = ~0n & 0xffff_ffff_ffff_ffffn;
    const kept = SSTATUS.SPIE | SSTATUS.SPP | SSTATUS.SUM | SSTATUS.MXR | SSTATUS.SIE | SSTATUS.FS;
    // What t0 holds, the instruction, what sstatus was, and what t0 and sstatus are then.
    const cases: [bigint, string, bigint, bigint, bigint][] = [
      [all, 'csrrw t0, sstatus, t0', dirty, dirty, dirty | kept],
      [0n, 'csrrw t0, sstatus, t0', dirty, dirty, SSTATUS.UXL_64],
      [SSTATUS.SUM | (1n << 63n), 'csrrs t0, sstatus, t0', dirty, dirty, dirty | SSTATUS.SUM],
      [SSTATUS.FS, 'csrrc t0, sstatus, t0', dirty, dirty, SSTATUS.UXL_64],
      [1n << 14n, 'csrc sstatus, t0', dirty, 1n << 14n, SSTATUS.UXL_64 | (1n << 13n)],
      [5n, 'csrsi sstatus, 31', dirty, 5n, dirty | SSTATUS.SIE],
      [5n, 'csrrci t0, sstatus, 2', dirty, dirty, dirty],
      [5n, 'csrrwi t0, sstatus, 2', dirty, dirty, SSTATUS.UXL_64 | SSTATUS.SIE],
    ];
    for (const [operand, instruction, old, register, value] of cases) {
      const lab = new GuestLab(`
        li t0, 0x6000
        csrs sstatus, t0
        li t0, ${operand}
        ${instruction}
        csrr t1, sstatus`);
      lab.finish();
      const record = lab.of('csrWrite').at(-1);
      assert.deepEqual(
        [T0, T1].map((at) => BigInt.asUintN(64, lab.x(at))),
        [register, value],
        instruction,
      );
      assert.deepEqual([record?.csr, record?.old, record?.new], ['sstatus', old, value], instruction);
      if (instruction === 'csrrw t0, sstatus, t0') assert.equal(record?.written, operand);
    }
  });

  it('refuse supervisor CSRs and instructions in user mode', () => {
    for (const instruction of [
      'csrr t0, sstatus',
      'sret',
      'wfi',
      'sfence.vma',
      'mret',
      '.word 0xffffffff',
      '.half 0',
    ]) {
      const lab = new GuestLab(`${HANDLER} ${toUser('user')} user: ${instruction}`);
      lab.finish();
      assert.equal(lab.x(S2), 2n, instruction);
      assert.equal(lab.of('illegal')[0].virtualPrivilege, 'vU');
    }
  });

  it('let the kernel read counters, and user mode those that scounteren allows', () => {
    const read = 'rdtime t0\n rdcycle t1\n rdinstret t2';
    const kernel = new GuestLab(read);
    kernel.finish();
    assert.ok(kernel.x(T1) > 0n);
    assert.ok(kernel.x(T2) > 0n);
    const user = (bits: number) => {
      const lab = new GuestLab(`${HANDLER} li t0, ${bits}\n csrw scounteren, t0\n ${toUser('u')} u: ${read}\n ecall`);
      lab.finish();
      return lab.x(S2);
    };
    assert.equal(user(7), 8n, 'all three are read, and the ecall reached');
    assert.equal(user(5), 2n);
    assert.equal(user(0), 2n);
  });
});

describe('VM exits: traps within the guest', () => {
  it('stack sstatus at an exception, and unstack it at sret', () => {
    const lab = new GuestLab(`
      la t0, handler
      csrw stvec, t0
      li t0, 0x20
      csrs sstatus, t0
      ${toUser('user')}
      user: ecall
      .align 2
      handler: csrr s2, sstatus
      la t0, kernel
      csrw sepc, t0
      li t0, 0x100
      csrs sstatus, t0
      sret
      kernel: csrr s3, sstatus
    `);
    lab.finish();
    const { FS, SD, SIE, SPIE } = SSTATUS;
    const rest = SSTATUS.UXL_64 | FS | SD;
    assert.equal(BigInt.asUintN(64, lab.x(S2)), rest | SPIE, 'from user mode with SIE = 1, as sret set it from SPIE');
    assert.equal(BigInt.asUintN(64, lab.x(S3)), rest | SPIE | SIE);
    const [toUserMode, toKernel] = lab.of('sret');
    assert.deepEqual([toUserMode.targetPrivilege, toUserMode.target], ['vU', lab.symbol('user')]);
    assert.deepEqual([toKernel.targetPrivilege, toKernel.target], ['vS', lab.symbol('kernel')]);
    const [inject] = lab.of('inject');
    assert.deepEqual(
      [inject.cause, inject.interrupt, inject.name, inject.handler, inject.pc],
      [8, false, 'Environment call from U-mode', lab.symbol('handler'), lab.symbol('user')],
    );
  });

  it('forward ebreak and misaligned atomics', () => {
    const breakpoint = new GuestLab(`${HANDLER} here: ebreak`);
    breakpoint.finish();
    assert.deepEqual([breakpoint.x(S2), breakpoint.x(S4)], [3n, breakpoint.symbol('here')]);
    const atomic = new GuestLab(`${HANDLER} li t0, 0x80300001\n amoadd.w t1, t0, (t0)`);
    atomic.finish();
    assert.deepEqual([atomic.x(S2), atomic.x(S3)], [6n, 0x80300001n]);
  });

  it('make accesses to nothing access faults', () => {
    const cases: [string, bigint, bigint][] = [
      ['li t0, 0x88000000\n ld t1, (t0)', 5n, 0x88000000n],
      ['li t0, 0x7ffffffc\n sw t1, (t0)', 7n, 0x7ffffffcn],
      ['li t0, 0x2000000\n lw t1, (t0)', 5n, 0x2000000n],
      ['li t0, -8\n ld t1, (t0)', 5n, 0xffff_ffff_ffff_fff8n],
      ['li t0, 0x4000000000\n ld t1, (t0)', 5n, 0x40_0000_0000n],
      ['li t0, 0x10000000\n jr t0', 1n, 0x10000000n],
      ['jr x0', 1n, 0n],
    ];
    for (const [source, cause, stval] of cases) {
      const lab = new GuestLab(HANDLER + source);
      lab.finish();
      assert.deepEqual([lab.x(S2), BigInt.asUintN(64, lab.x(S3))], [cause, stval], source);
      assert.ok(lab.of('inject')[0].reason, source);
    }
  });

  it('do not end with a guest whose trap handler is nowhere: it traps for ever, as on hardware', () => {
    const lab = new GuestLab('li t0, 0x1000\n csrw stvec, t0\n .word 0');
    assert.equal(lab.run(1000).kind, 'limit');
    assert.equal(lab.vcpu.pc, 0x1000n);
    assert.ok(lab.guest.exitCounts.inject > 900);
  });
});

describe('VM exits: SBI calls', () => {
  it('answer the base extension and unknown calls', () => {
    const lab = new GuestLab(
      `li a7, 0x10\n li a6, 0\n ecall\n mv t0, a0\n mv t1, a1\n li a7, 0x999\n ecall\n mv t2, a0`,
    );
    lab.finish();
    assert.deepEqual([lab.x(T0), lab.x(T1), lab.x(T2)], [0n, 0x0200_0000n, -2n]);
    assert.equal(lab.of('sbiCall')[0].name, 'sbi_get_spec_version');
    assert.equal(lab.of('sbiCall')[1].extension, 0x999);
  });

  it('print, and read memory at GPA within the guest only', () => {
    const print = (address: string, length: number) =>
      `li a7, 0x4442434e\n li a6, 0\n li a0, ${length}\n la a1, ${address}\n li a2, 0\n ecall\n mv t0, a0\n mv t1, a1\n`;
    const lab = new GuestLab(`${print('text', 3)} j shutdown\n text: .ascii "abc"`);
    lab.finish();
    assert.equal(lab.output, 'abc');
    assert.deepEqual([lab.x(T0), lab.x(T1)], [0n, 3n]);
    const outside = new GuestLab(print('text', 64).replace('la a1, text', 'li a1, 0x87ffffe0'));
    outside.finish();
    assert.equal(outside.x(T0), -3n);
    assert.equal(outside.output, '');
  });

  it('end the guest with its exit code', () => {
    const failure = new GuestLab('li a7, 0x53525354\n li a6, 0\n li a0, 0\n li a1, 1\n ecall');
    assert.deepEqual(failure.run(), { kind: 'power-off', reason: 'failure', code: 1 });
    const reboot = new GuestLab('li a7, 0x53525354\n li a6, 0\n li a0, 1\n li a1, 0\n ecall');
    assert.deepEqual(reboot.run(), { kind: 'power-off', reason: 'reboot', code: 0 });
    const finisher = new GuestLab('li t0, 0x100000\n li t1, 0x73333\n sw t1, (t0)');
    assert.deepEqual(finisher.run(), { kind: 'power-off', reason: 'failure', code: 7 });
    assert.deepEqual(finisher.guest.ended, { reason: 'failure', code: 7 });
    assert.equal(finisher.vcpu.pc, BigInt(finisher.of('mmio')[0].pc + 4n), 'nothing ran after it');
  });
});

describe('VM exits: devices', () => {
  it('load and store at the serial port, with every width and sign', () => {
    const lab = new GuestLab(`
      li s0, 0x10000000
      li t0, 0xab
      sb t0, 7(s0)
      lb t1, 7(s0)
      lbu t2, 7(s0)
      li t0, 72
      sb t0, (s0)
      c.lw a0, 4(s0)
      c.nop
    `);
    lab.finish();
    assert.deepEqual([lab.x(T1), lab.x(T2)], [BigInt.asIntN(64, 0xffff_ffff_ffff_ffabn), 0xabn]);
    assert.equal(lab.output, 'H');
    const [store, load] = lab.of('mmio');
    assert.deepEqual(
      [store.device, store.offset, store.access, store.width, store.value, store.register, store.gpa],
      ['serial', 7, 'store', 1, 0xabn, T0, 0x1000_0007],
    );
    assert.deepEqual([load.access, load.value, load.register], ['load', undefined, T1]);
  });

  it('load and store floating-point registers, which then count as changed', () => {
    const lab = new GuestLab(`
      li s0, 0xc000000
      li t0, 0x6000
      csrc sstatus, t0
      li t1, 0x2000
      csrs sstatus, t1
      li t0, 0x40000005
      fmv.w.x ft0, t0
      fsw ft0, 4(s0)
      flw ft1, 4(s0)
      csrr a2, sstatus
    `);
    lab.finish();
    assert.deepEqual(
      lab.of('mmio').map(({ access, register, float, width, value }) => [access, register, float, width, value]),
      [
        ['store', 0, true, 4, 0x4000_0005n],
        ['load', 1, true, 4, undefined],
      ],
    );
    assert.equal(lab.machine.harts[0].state.f(1), 0xffff_ffff_0000_0005n, 'a priority of three bits, boxed');
    assert.equal(lab.x(12) & 0x6000n, 0x6000n);
    for (const [code, cause] of [
      ['c.fld fa0, 8(s0)', 5n],
      ['c.fsd fa0, 8(s0)', 7n],
    ] as const) {
      const wide = new GuestLab(`${HANDLER} li s0, 0xc000000\n ${code}`);
      wide.finish();
      assert.equal(wide.x(S2), cause, code);
      assert.match(wide.of('inject')[0].reason ?? '', /nothing for 8 bytes/);
    }
  });

  it('refuse atomics and accesses that the device does not take', () => {
    const atomic = new GuestLab(`${HANDLER} li t0, 0x10000000\n amoadd.w t1, t0, (t0)`);
    atomic.finish();
    assert.deepEqual([atomic.x(S2), atomic.x(S3)], [7n, 0x1000_0000n]);
    assert.match(atomic.of('inject')[0].reason ?? '', /loads and stores only, not amoadd.w/);
    const reserved = new GuestLab(`${HANDLER} li t0, 0xc000000\n lr.w t1, (t0)`);
    reserved.finish();
    assert.equal(reserved.x(S2), 5n);
    const wide = new GuestLab(`${HANDLER} li t0, 0xc000004\n lb t1, (t0)`);
    wide.finish();
    assert.equal(wide.x(S2), 5n);
    const crossing = new GuestLab(`${HANDLER} li t0, 0xc000ffe\n lw t1, (t0)`);
    crossing.finish();
    assert.equal(crossing.x(S2), 5n);
  });

  it('bring input to the guest by its interrupt controller, also out of wfi', () => {
    const lab = new GuestLab(`
      la t0, handler
      csrw stvec, t0
      li s0, 0xc000000
      li t0, 1
      sw t0, 40(s0)
      li s1, 0xc002000
      li t0, 0x400
      sw t0, 0x80(s1)
      li s0, 0x10000000
      li t0, 1
      sb t0, 1(s0)
      li t0, 0x200
      csrs sie, t0
      csrsi sstatus, 2
      wfi
      spin: j spin
      .align 2
      handler: csrr s2, scause
      li s1, 0xc201000
      lw s3, 4(s1)
      lbu s4, (s0)
      sw s3, 4(s1)
    `);
    assert.equal(lab.run().kind, 'idle');
    assert.equal(lab.of('wfi')[0].waits, true);
    lab.guest.console.receive(Uint8Array.of(0x41));
    lab.finish();
    assert.deepEqual([BigInt.asUintN(64, lab.x(S2)), lab.x(S3), lab.x(S4)], [(1n << 63n) | 9n, 10n, 0x41n]);
    assert.deepEqual([lab.of('interrupt')[0].cause, lab.of('interrupt')[0].sip], [1, 0x200n]);
    assert.deepEqual([lab.of('inject')[0].cause, lab.of('inject')[0].interrupt], [9, true]);
    assert.equal(lab.of('inject')[0].pc, lab.symbol('spin'));
  });
});

describe('VM exits: timer and interrupts', () => {
  const setTimer = (ticks: number) => `rdtime a0\n addi a0, a0, ${ticks}\n li a7, 0x54494d45\n li a6, 0\n ecall\n`;

  it('deliver the virtual timer, vectored', () => {
    const lab = new GuestLab(`
      la t0, vectors
      ori t0, t0, 1
      csrw stvec, t0
      ${setTimer(100)}
      li t0, 0x20
      csrs sie, t0
      csrsi sstatus, 2
      spin: j spin
      .align 6
      vectors: j shutdown
      .skip 16
      timer: csrr t1, scause
      csrr t2, sip
      li a0, -1
      li a7, 0x54494d45
      li a6, 0
      ecall
      csrr s4, sip
    `);
    lab.finish();
    assert.equal(BigInt.asUintN(64, lab.x(T1)), (1n << 63n) | 5n);
    assert.deepEqual([lab.x(T2), lab.x(S4)], [0x20n, 0n]);
    const [timer] = lab.of('timer');
    assert.ok(timer.time >= timer.deadline && timer.time <= timer.deadline + 1n, `${timer.time} ${timer.deadline}`);
    assert.equal(lab.of('inject')[0].handler, lab.symbol('timer'));
  });

  it('let wfi wait for the timer, and not when it pends already', () => {
    const lab = new GuestLab(`
      li t0, 0x20
      csrs sie, t0
      rdtime s0
      ${setTimer(50_000).replace('addi a0, a0, 50000', 'li t0, 50000\n add a0, a0, t0')}
      wfi
      rdtime s1
      wfi
      csrr t1, sip
    `);
    assert.equal(lab.run().kind, 'waiting');
    lab.finish();
    assert.deepEqual(
      lab.of('wfi').map(({ waits }) => waits),
      [true, false],
    );
    assert.ok(lab.x(9) - lab.x(8) >= 50_000n);
    assert.equal(lab.x(T1), 0x20n);
    assert.equal(lab.of('inject').length, 0, 'sstatus.SIE is 0');
  });

  it('take the external interrupt before the software interrupt before the timer', () => {
    const lab = new GuestLab(`
      la t0, handler
      csrw stvec, t0
      ${setTimer(0)}
      csrsi sip, 2
      li t0, 0x22
      csrw sie, t0
      csrsi sstatus, 2
      spin: j spin
      .align 2
      handler: csrr s4, scause
    `);
    lab.finish();
    assert.equal(BigInt.asUintN(64, lab.x(S4)), (1n << 63n) | 1n);
  });
});
