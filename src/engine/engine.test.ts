import assert from 'node:assert/strict';
import { TestHost } from '../../test/support/engine-host';
import { DRAM_BASE } from './physical-memory';

const base = BigInt(DRAM_BASE);

describe('engine', () => {
  it('runs a loop and counts every instruction', () => {
    const host = new TestHost(`
        li t0, 1000
        li t1, 0
      again:
        add t1, t1, t0
        addi t0, t0, -1
        bnez t0, again
        ecall`);
    host.onSystem = () => {
      host.engine.requestExit();
      return 'next';
    };
    const count = host.engine.run(1_000_000);
    assert.equal(host.x(6), 500500n);
    assert.equal(count, 2 + 3 * 1000 + 1);
    assert.equal(host.systemCalls[0].executed, 3002);
  });

  for (const budget of [1, 2, 3, 7, 63, 64, 65, 100, 1001]) {
    it(`ends slices of ${budget} at the exact count, with the same result`, () => {
      const source = `
          li s0, 0x80002000
        again:
          addi t0, t0, 3
          sd t0, 0(s0)
          ld t1, 0(s0)
          xor t2, t2, t1
          c.addi a0, 1
          mul a1, t1, t2
          j over
          nop
        over:
          j again`;
      const whole = new TestHost(source);
      whole.engine.run(5005);
      const sliced = new TestHost(source);
      let left = 5005;
      while (left > 0) {
        const slice = Math.min(budget, left);
        assert.equal(sliced.engine.run(slice), slice);
        left -= slice;
      }
      assert.equal(sliced.engine.executed, 5005);
      assert.equal(sliced.engine.state.pc, whole.engine.state.pc);
      for (let i = 0; i < 32; i++) assert.equal(sliced.x(i), whole.x(i), `x${i}`);
    });
  }

  it('tells of every so many instructions that the slow path does, and may be left at exactly these', () => {
    const host = new TestHost(`
        li s0, 0x10000000
      again:
        lbu a0, 0(s0)
        addi t0, t0, 1
        j again`);
    let calls = 0;
    host.engine.boundSlowPath(10, () => {
      calls++;
      host.engine.requestExit();
    });
    host.engine.run(1_000_000);
    assert.deepEqual([host.engine.executed, host.x(5)], [1 + 3 * 10 - 2, 9n]);
    host.engine.run(1_000_000);
    assert.deepEqual([calls, host.device.length, host.engine.executed], [2, 20, 1 + 3 * 20 - 2]);
    assert.equal(host.engine.run(5), 5);
  });

  it('keeps x0 zero whatever is written to it', () => {
    const host = new TestHost(`
      li t0, -1
      addi x0, t0, 5
      lui x0, 1
      li s0, 0x80002000
      sd t0, 0(s0)
      ld x0, 0(s0)
      amoadd.d x0, t0, (s0)
      mul x0, t0, t0
      add t1, x0, x0
      ld t2, 0(s0)`);
    host.engine.run(100);
    assert.equal(host.x(0), 0n);
    assert.equal(host.x(6), 0n);
    assert.equal(host.x(7), BigInt.asUintN(64, -2n));
  });

  it('extends loads, from RAM and from devices, and truncates stores', () => {
    const host = new TestHost(`
      li s0, 0x80002000
      li s1, 0x10000000
      li t0, 0x8182838485868788
      sd t0, 0(s0)
      lb a0, 0(s0)
      lbu a1, 0(s0)
      lh a2, 0(s0)
      lhu a3, 0(s0)
      lw a4, 0(s0)
      lwu a5, 0(s0)
      lb s2, 0(s1)
      lbu s3, 0(s1)
      lw s4, 0(s1)
      ld s5, 0(s1)
      sh t0, 8(s1)
      ecall`);
    host.onSystem = () => (host.engine.requestExit(), 'next');
    host.engine.run(100);
    const unsigned = (value: bigint) => BigInt.asUintN(64, value);
    assert.equal(host.x(10), unsigned(-0x78n));
    assert.equal(host.x(11), 0x88n);
    assert.equal(host.x(12), unsigned(BigInt.asIntN(16, 0x8788n)));
    assert.equal(host.x(13), 0x8788n);
    assert.equal(host.x(14), unsigned(BigInt.asIntN(32, 0x85868788n)));
    assert.equal(host.x(15), 0x85868788n);
    assert.equal(host.x(18), unsigned(-9n));
    assert.equal(host.x(19), 0xf7n);
    assert.equal(host.x(20), unsigned(BigInt.asIntN(32, 0xf4f5f6f7n)));
    assert.equal(host.x(21), 0xf0f1f2f3f4f5f6f7n);
    assert.deepEqual(host.device.slice(-1), ['write2 10000008 8788']);
  });

  it('leaves misaligned accesses of devices to the host', () => {
    const host = new TestHost(`
      li s0, 0x10000002
      lw a0, 0(s0)
      sw a0, 1(s0)`);
    host.engine.run(100);
    assert.deepEqual(host.device, ['read4 10000002', 'write4 10000003 f4f5f6f7']);
  });

  it('performs misaligned accesses and accesses that cross a page', () => {
    const host = new TestHost(`
      li s0, 0x80002ffd
      li t0, 0x1122334455667788
      sd t0, 0(s0)
      ld t1, 0(s0)
      lw t2, 1(s0)`);
    host.mapped.set(0x80003, 0x80009);
    host.engine.run(100);
    assert.equal(host.x(6), 0x1122334455667788n);
    assert.equal(host.x(7), 0x44556677n);
    assert.equal(host.engine.memory.read8(0x80009004), 0x11);
  });

  it('performs misaligned loads and stores of each width within a page, without the slow path', () => {
    const host = new TestHost(`
      li s0, 0x80002000
      li t0, 0x8182838485868788
      sd t0, 0(s0)
      sd t0, 8(s0)
      lh a0, 1(s0)
      lhu a1, 1(s0)
      lw a2, 2(s0)
      lwu a3, 2(s0)
      ld a4, 3(s0)
      lw x0, 1(s0)
      li t1, 0x123456789abcdef0
      sh t1, 0x21(s0)
      sw t1, 0x31(s0)
      sd t1, 0x41(s0)
      ld s1, 0x20(s0)
      ld s2, 0x30(s0)
      ld s3, 0x40(s0)
      ld s4, 0x48(s0)
      ebreak`);
    host.engine.run(100);
    assert.deepEqual(
      [10, 11, 12, 13, 14].map((x) => host.x(x)),
      [0xffffffffffff8687n, 0x8687n, 0xffffffff83848586n, 0x83848586n, 0x8687888182838485n],
    );
    assert.deepEqual(
      [9, 18, 19, 20].map((x) => host.x(x)),
      [0xdef000n, 0x9abcdef000n, 0x3456789abcdef000n, 0x12n],
    );
  });

  it('performs loads and stores of each width that cross a page, wherever the pages lie', () => {
    const host = new TestHost(`
      li s0, 0x80003000
      li t0, 0x8182838485868788
      sd t0, -8(s0)
      sd t0, 0(s0)
      lh a0, -1(s0)
      lhu a1, -1(s0)
      lw a2, -3(s0)
      lwu a3, -2(s0)
      ld a4, -5(s0)
      lw x0, -1(s0)
      li t1, 0x123456789abcdef0
      sh t1, -1(s0)
      ld s1, -8(s0)
      ld s2, 0(s0)
      sw t1, -1(s0)
      ld s3, 0(s0)
      sd t1, -7(s0)
      ld s4, -8(s0)
      ld s5, 0(s0)
      ebreak`);
    host.mapped.set(0x80003, 0x80009);
    host.engine.run(100);
    assert.deepEqual(
      [10, 11, 12, 13, 14].map((x) => host.x(x)),
      [0xffffffffffff8881n, 0x8881n, 0xffffffff88818283n, 0x87888182n, 0x8687888182838485n],
    );
    assert.deepEqual(
      [9, 18, 19, 20, 21].map((x) => host.x(x)),
      [0xf082838485868788n, 0x81828384858687den, 0x81828384859abcden, 0x3456789abcdef088n, 0x81828384859abc12n],
    );
  });

  it('reports a fault on the second page of an access with that page, and nothing is stored', () => {
    const host = new TestHost(`
      li s0, 0x80002ffd
      li t0, -1
      sd t0, 0(s0)`);
    host.faulting.add(0x80003);
    host.engine.run(100);
    assert.equal(host.traps[0].tval, 0x80003000n);
    assert.equal(host.engine.memory.read8(0x80002ffd), 0);
  });

  it('raises access faults where there is neither RAM nor a device', () => {
    const host = new TestHost(`
      li s0, 0x20000000
      c.nop
      lw t0, 4(s0)`);
    host.engine.run(100);
    const [trap] = host.traps;
    assert.deepEqual([trap.cause, trap.tval], [5, 0x20000004n]);
    assert.equal(host.engine.state.pc, trap.pc);
    assert.equal(host.engine.executed, trap.executed);
  });

  it('reports an access fault in the second page of an access at that page', () => {
    const host = new TestHost(`
      li s0, 0x80002ffd
      c.nop
      ld t0, 0(s0)`);
    host.mapped.set(0x80003, 0x20000);
    host.engine.run(100);
    assert.deepEqual([host.traps[0].cause, host.traps[0].tval], [5, 0x80003000n]);
  });

  it('traps in the second instruction of a fused pair with its own address and count', () => {
    const host = new TestHost(`
      addi a0, a0, 1
      ld a1, 0(s0)
      addi a0, a0, 1`);
    host.engine.run(100);
    assert.deepEqual(host.traps, [{ cause: 5, tval: 0n, pc: base + 4n, executed: 1 }]);
    assert.equal(host.x(10), 1n);
  });

  it('goes on behind the first instruction of a fused pair when that one takes the slow path', () => {
    const host = new TestHost(`
      ld a1, 0(s0)
      addi a1, a1, 5
      ecall`);
    host.engine.state.setX(8, 0x10000000n);
    host.onSystem = () => (host.engine.requestExit(), 'next');
    assert.equal(host.engine.run(100), 3);
    assert.equal(host.x(11), 0xf0f1f2f3f4f5f6fcn);
  });

  it('raises illegal instructions with the word', () => {
    const host = new TestHost('nop\n .word 0xffffffff');
    host.engine.run(10);
    assert.deepEqual(host.traps, [{ cause: 2, tval: 0xffffffffn, pc: base + 4n, executed: 1 }]);
  });

  it('counts a trap that is taken, and goes on at the handler', () => {
    const host = new TestHost(`
        nop
        .word 0
      handler:
        addi a0, a0, 1
        j handler`);
    host.onRaise = () => {
      host.engine.state.pc = base + 8n;
    };
    assert.equal(host.engine.run(100), 100);
    assert.equal(host.x(10), 49n);
  });

  it('executes instructions that straddle two pages, mapped apart', () => {
    const source = `
        j start
        .skip 4086
      start:
        c.nop
        c.nop
        addi a0, a0, 5
        addi a1, a1, 7`;
    const host = new TestHost(source);
    host.engine.run(3);
    assert.equal(host.engine.state.pc, base + 0xffen);
    const { memory } = host.engine;
    memory.load(0x80005000, memory.bytes(0x80001000, 0x100).slice());
    memory.fill(0x80001000, 0x100, 0);
    host.mapped.set(0x80001, 0x80005);
    host.engine.run(2);
    assert.equal(host.traps.length, 0);
    assert.deepEqual([host.x(10), host.x(11)], [5n, 7n]);
    host.engine.state.pc = base + 0xffen;
    host.faulting.add(0x80001);
    host.engine.flushTlb();
    host.engine.run(1);
    assert.deepEqual(host.traps, [{ cause: 12, tval: 0x80001000n, pc: base + 0xffen, executed: 5 }]);
  });

  it('runs code where no page may be kept in a TLB', () => {
    const host = new TestHost(`
      again:
        addi t0, t0, 1
        sd t0, 0(s0)
        ld t1, 0(s0)
        j again`);
    host.cacheable = false;
    host.engine.state.setX(8, 0x80002000n);
    host.engine.run(400);
    assert.equal(host.x(6), 100n);
  });

  it('sees code that it writes itself, at once', () => {
    const host = new TestHost(`
        la s0, patched
        li t0, 0x00150513   # addi a0, a0, 1
        li t1, 0x00a50513   # addi a0, a0, 10
        li s1, 3
      again:
        sw t0, 0(s0)
      patched:
        nop
        sw t1, 0(s0)
        jal ra, patched2
        addi s1, s1, -1
        bnez s1, again
        ecall
      patched2:
        lw t2, 0(s0)
        ret`);
    host.onSystem = () => (host.engine.requestExit(), 'next');
    host.engine.run(1000);
    assert.equal(host.x(10), 3n);
    assert.equal(host.x(7), 0x00a50513n);
  });

  it('sees code that is written from outside', () => {
    const host = new TestHost('again: addi a0, a0, 1\n j again');
    host.engine.run(10);
    host.engine.memory.write32(DRAM_BASE, 0x00a50513);
    host.engine.run(10);
    assert.equal(host.x(10), 5n + 50n);
  });

  it('fails a store-conditional without reservation, and keeps one to its address', () => {
    const host = new TestHost(`
      li s0, 0x80002000
      li t0, 7
      sc.d a0, t0, (s0)
      lr.d a1, (s0)
      sc.d a2, t0, (s0)
      sc.d a3, t0, (s0)
      lr.w a4, (s0)
      addi s1, s0, 8
      sc.w a5, t0, (s1)
      ld a6, 0(s0)`);
    host.engine.run(100);
    assert.deepEqual(
      [10, 11, 12, 13, 14, 15, 16].map((i) => host.x(i)),
      [1n, 0n, 0n, 1n, 7n, 1n, 7n],
    );
  });

  it('faults on misaligned atomics', () => {
    const host = new TestHost(`
      li s0, 0x80002002
      amoadd.w a0, a0, (s0)`);
    host.engine.run(100);
    assert.deepEqual([host.traps[0].cause, host.traps[0].tval], [6, 0x80002002n]);
  });

  it('does atomics on a page that holds code, and drops the code', () => {
    const host = new TestHost(`
        la s0, patched
        li t0, 0x00150513
        j go
        .align 3
      go:
        amoswap.w a1, t0, (s0)
      patched:
        nop
        nop
        ecall`);
    host.onSystem = () => (host.engine.requestExit(), 'next');
    host.engine.run(100);
    assert.equal(host.x(10), 1n);
    assert.equal(host.x(11), 0x13n);
  });

  describe('breakpoints', () => {
    const source = `
      again:
        addi a0, a0, 1
        addi a1, a1, 1
        j again`;

    it('stop before the instruction, in any address space, and cost nothing elsewhere', () => {
      const host = new TestHost(source);
      host.mapped.set(0x90000, 0x80000);
      host.engine.setBreakpoints([base + 4n]);
      assert.equal(host.engine.run(100), 1);
      assert.equal(host.engine.state.pc, base + 4n);
      assert.equal(host.engine.run(100), 0);
      assert.equal(host.engine.step(), 1);
      assert.equal(host.engine.run(100), 2);
      assert.equal(host.x(10), 2n);
      host.engine.state.pc = 0x90000000n;
      assert.equal(host.engine.run(30), 30);
    });

    it('go on when the host says so, with exact counts', () => {
      const host = new TestHost(source);
      let hits = 0;
      host.onBreakpoint = () => ++hits === 5;
      host.engine.setBreakpoints([base + 4n]);
      assert.equal(host.engine.run(1000), 1 + 4 * 3);
      assert.equal(host.x(11), 4n);
    });

    it('can be taken away', () => {
      const host = new TestHost(source);
      host.engine.setBreakpoints([base]);
      assert.equal(host.engine.run(100), 0);
      host.engine.setBreakpoints([]);
      assert.equal(host.engine.run(100), 100);
    });
  });

  it('ends a slice early when a callback limits it', () => {
    for (const limit of [0, 1, 10, 70]) {
      const host = new TestHost('ecall\nagain: addi a0, a0, 1\n j again');
      host.onSystem = () => (host.engine.limitSlice(limit), 'next');
      assert.equal(host.engine.run(10000), 1 + limit);
      assert.equal(host.engine.executed, 1 + limit);
    }
  });

  it('keeps several TLBs and selects among them', () => {
    const host = new TestHost(`
      again:
        ld a0, 0(s0)
        ecall
        j again`);
    host.engine.memory.write64(0x80002000, 1n);
    host.engine.memory.write64(0x80006000, 2n);
    let remap = true;
    let key = 0;
    host.onSystem = () => {
      key = 1 - key;
      host.engine.running.selectTlb({ key }, { key });
      if (remap && key === 1) host.mapped.set(0x80002, 0x80006);
      else host.mapped.delete(0x80002);
      return 'next';
    };
    const seen = (loads: number) => {
      const values: bigint[] = [];
      for (let i = 0; i < loads; i++) {
        host.engine.run(3);
        values.push(host.x(10));
      }
      return values;
    };
    host.engine.state.setX(8, 0x80002000n);
    assert.deepEqual(seen(4), [1n, 2n, 1n, 2n]);
    remap = false;
    assert.deepEqual(seen(4), [1n, 2n, 1n, 2n]);
    host.engine.flushTlb();
    assert.deepEqual(seen(4), [1n, 1n, 1n, 1n]);
  });
});
