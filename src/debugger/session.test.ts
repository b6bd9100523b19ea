// Sessions over small guests: the worst that a guest can do to the host's time, and stops at odd places.
import assert from 'node:assert/strict';
import { ENTRY, SessionLab } from '../../test/support/session-lab';

const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Turns on Sv39 with three 1 GiB pages one to one. */
const PAGING = `
  la t0, table
  li t1, 0x200000cf
  sd t1, 16(t0)
  srli t0, t0, 12
  li t1, 8
  slli t1, t1, 60
  or t0, t0, t1
  csrw satp, t0
  sfence.vma
`;
const TABLE = `
.align 12
table: .zero 4096
`;

/** Programs that never end, each busy with what costs a host most. */
const STORMS: Readonly<Record<string, string>> = {
  'endless loop with interrupts off': 'loop: j loop',
  'CSR accesses': 'loop: csrrw t0, sscratch, t0\n j loop',
  'SBI calls': 'loop: li a7, 2\n ecall\n j loop',
  'device accesses': 'li t0, 0x10000000\nloop: lbu t1, 5(t0)\n j loop',
  'pages never touched before': `${PAGING}
    li t1, 0x80400000
    li t3, 0x87000000
    li t2, 4096
    start: mv t0, t1
    loop: ld t4, 0(t0)
    add t0, t0, t2
    bltu t0, t3, loop
    sfence.vma
    j start
    ${TABLE}`,
  'address space switches': `${PAGING}
    csrr t0, satp
    li t1, 1
    slli t1, t1, 44
    loop: xor t0, t0, t1
    csrw satp, t0
    j loop
    ${TABLE}`,
  traps:
    'la t0, handler\n csrw stvec, t0\nloop: .word 0\n j loop\n.align 2\nhandler: csrr t1, sepc\n addi t1, t1, 4\n csrw sepc, t1\n sret',
  'timer interrupts': `
    la t0, handler
    csrw stvec, t0
    li t0, 32
    csrw sie, t0
    csrsi sstatus, 2
    loop: li a7, 0
    li a0, 0
    ecall
    j loop
    .align 2
    handler: li a7, 0
    li a0, -1
    ecall
    sret`,
  'code that changes itself':
    'la t0, patch\n lw t1, 0(t0)\nloop: sw t1, 0(t0)\n fence.i\npatch: addi t2, t2, 1\n j loop',
};

describe('session', () => {
  for (const mode of ['hypervisor', 'bare'] as const) {
    for (const [what, source] of Object.entries(STORMS)) {
      it(`leaves the host its turns, and pauses: ${what} (${mode})`, async () => {
        const lab = new SessionLab(source, { mode });
        lab.start();
        await wait(150);
        assert.equal(lab.session.state, 'running');
        const start = performance.now();
        const { reason } = await lab.stop(() => lab.session.pause());
        const latency = performance.now() - start;
        assert.equal(reason.kind, 'pause');
        // The aim is 100 ms; a busy test machine gets some more.
        assert.ok(latency < 300, `paused after ${latency} ms`);
        assert.ok(lab.longestTurn < 200, `${lab.longestTurn} ms without a turn`);
        await lab.session.dispose();
      });
    }
  }

  it('leaves the host its turns, and pauses, while a condition never holds', async () => {
    const lab = new SessionLab('li t0, 0\nloop: addi t0, t0, 1\nj loop');
    const [breakpoint] = lab.session.breakpoints.setInstructions([
      { address: lab.labels.get('loop')!, condition: '$t0 == -1' },
    ]);
    assert.equal(breakpoint.verified, true);
    lab.start();
    await wait(150);
    assert.equal(lab.session.state, 'running');
    const { reason, target } = await lab.stop(() => lab.session.pause());
    assert.equal(reason.kind, 'pause');
    assert.ok(lab.longestTurn < 200, `${lab.longestTurn} ms without a turn`);
    assert.ok(target.x(5) > 1000n);
    const rounds = target.x(5);
    lab.session.breakpoints.setInstructions([
      { address: lab.labels.get('loop')!, condition: `$t0 == ${rounds + 100n}`, hitCondition: '1' },
    ]);
    assert.equal((await lab.stop(() => lab.session.continue())).target.x(5), rounds + 100n);
  });

  it('stops at an instruction breakpoint on every round of a one-instruction loop', async () => {
    const lab = new SessionLab('nop\nloop: j loop');
    const loop = lab.labels.get('loop')!;
    lab.session.breakpoints.setInstructions([{ address: loop }]);
    const first = await lab.stop(() => lab.session.start());
    assert.equal(first.target.pc, loop);
    const before = lab.session.system.instructions;
    await lab.stop(() => lab.session.continue());
    assert.equal(first.target.pc, loop);
    assert.ok(lab.session.system.instructions - before <= 2);
  });

  it('steps one instruction at a time, on a loop to itself as well', async () => {
    const lab = new SessionLab('li a0, 1\naddi a0, a0, 1\nloop: j loop', { stopOnEntry: true });
    const { target } = await lab.stop(() => lab.session.start());
    assert.equal(target.pc, ENTRY);
    const step = (): Promise<unknown> => lab.stop(() => lab.session.step(target, 'over', 'instruction'));
    await step();
    await step();
    assert.equal(target.x(10), 2n);
    assert.equal(target.pc, lab.labels.get('loop'));
    await step();
    assert.equal(target.pc, lab.labels.get('loop'));
  });

  it('steps over wfi when an interrupt comes, and can be paused in it', async () => {
    const lab = new SessionLab('csrwi sie, 0\nwait: wfi\nnop', { stopOnEntry: true });
    const { target } = await lab.stop(() => lab.session.start());
    await lab.stop(() => lab.session.step(target, 'over', 'instruction'));
    assert.equal(target.pc, lab.labels.get('wait'));
    setTimeout(() => lab.session.pause(), 50);
    const { reason } = await lab.stop(() => lab.session.continue());
    assert.deepEqual(reason, { kind: 'pause', isIdle: true });
  });

  it('does a pending exit before anything else, and shows it as a step', async () => {
    const lab = new SessionLab('li t0, 5\nwrite: csrw sscratch, t0\nafter: nop\nloop: j loop');
    lab.session.breakpoints.setFunctions([{ name: 'hypervisor.csrWrite', condition: 'csr == "sscratch"' }]);
    const { target, exit } = await lab.stop(() => lab.session.start());
    assert.equal(exit?.kind, 'csrWrite');
    assert.equal(target.pc, lab.labels.get('write'));
    assert.equal(target.csrSets[0].find('sscratch')!.value, 0n);
    const next = await lab.stop(() => lab.session.step(target, 'over', 'instruction'));
    assert.equal(next.exit, undefined);
    assert.equal(target.pc, lab.labels.get('after'));
    assert.equal(target.csrSets[0].find('sscratch')!.value, 5n);
  });

  it('logs at hypervisor events', async () => {
    const lab = new SessionLab('li t0, 5\ncsrw sscratch, t0\nli a7, 8\necall');
    lab.session.breakpoints.setFunctions([
      { name: 'hypervisor.csrWrite', logMessage: '{csr}: {old} then {new}, t0 {t0}' },
    ]);
    await lab.until(() => lab.session.start());
    assert.ok(lab.logs.includes('sscratch: 0 then 5, t0 0x0000000000000005'), lab.logs.join('\n'));
  });

  it('notices a handler that traps at its first instruction, in M-mode as well', async () => {
    for (const mode of ['hypervisor', 'bare', 'machine'] as const) {
      const vector = mode === 'machine' ? 'mtvec' : 'stvec';
      const lab = new SessionLab(`la t0, handler\n csrw ${vector}, t0\n.word 0\n.align 2\nhandler: .word 0`, { mode });
      const { reason } = await lab.stop(() => lab.session.start());
      assert.equal(reason.kind, 'trapLoop', mode);
      await lab.session.dispose();
    }
  });

  it('restarts, also from a stop, and leaves the stop alone when the program cannot be loaded', async () => {
    const lab = new SessionLab('nop\nloop: j loop', { stopOnEntry: true });
    await lab.stop(() => lab.session.start());
    const broken = {
      mode: 'hypervisor' as const,
      memoryBytes: 1 << 29,
      guests: [{ name: 'lab', program: { path: 'x.elf', bytes: new Uint8Array(9) } }],
    };
    const again = lab.stop(
      () => void lab.session.restart(broken).catch((error: Error) => lab.logs.push(error.message)),
    );
    assert.equal((await again).reason.kind, 'entry');
    await wait(1);
    assert.match(lab.logs.join(), /x.elf: The file is not an ELF file/);
    assert.equal(lab.session.state, 'paused');
  });
});
