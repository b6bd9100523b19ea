/** The boot ROM and M-mode firmware of the user's: how it starts, and what it is told. */
import assert from 'node:assert/strict';
import { assembleSource } from '../../src/isa/assemble';
import { encodeFdt } from '../../src/machine/fdt';
import { Machine } from '../../src/machine/machine';
import { EXCEPTION } from '../../src/machine/status';

const FIRMWARE = 0x80000000n;
const PROGRAM = 0x80200000n;
/** Of the reset vector. */
const ROM_INSTRUCTIONS = 6;

function part(source: string, address: bigint) {
  const { bytes } = assembleSource(source, address);
  return { entry: address, segments: [{ address: Number(address), data: bytes, memorySize: bytes.length }] };
}

/** A firmware in the manner of RustSBI: it takes what it starts from the record behind `a2`. */
const DYNAMIC_FIRMWARE = `
    ld t0, 0(a2)
    li t1, 0x4942534f
    bne t0, t1, fail
    ld t0, 16(a2)
    csrw mepc, t0
    ld t0, 24(a2)
    slli t0, t0, 11
    csrw mstatus, t0
    li t0, -1
    csrw pmpaddr0, t0
    li t0, 0x1f
    csrw pmpcfg0, t0
    mret
  fail:
    li t0, 0x100000
    li t1, 0x13333
    sw t1, 0(t0)
    j fail`;

function start(firmware: string, program = '1: j 1b', deviceTree?: Uint8Array) {
  const machine = new Machine({ memoryBytes: 16 << 20 });
  const state = machine.boot({
    program: part(program, PROGRAM),
    mode: 'supervisor',
    firmware: part(firmware, FIRMWARE),
    ...(deviceTree && { deviceTree }),
  });
  return { machine, hart: machine.harts[0], state };
}

describe('boot ROM', () => {
  it('enters the firmware in M-mode with the hart, the device tree and the record', () => {
    const { machine, hart, state } = start('1: j 1b');
    assert.equal(hart.state.pc, 0x1000n);
    machine.run(ROM_INSTRUCTIONS);
    assert.equal(hart.state.pc, FIRMWARE);
    assert.equal(hart.privilege, 3);
    assert.deepEqual([hart.state.x(10), hart.state.x(11), hart.state.x(12)], [0n, state.a1, 0x1028n]);
    const record = [0, 1, 2, 3, 4, 5].map((i) => machine.bus.read(0x1028 + 8 * i, 8));
    assert.deepEqual(record, [0x4942534fn, 2n, PROGRAM, 1n, 0n, 0n]);
  });

  it('has firmware start the program in S-mode', () => {
    const { machine, hart, state } = start(DYNAMIC_FIRMWARE);
    machine.run(1000);
    assert.equal(hart.privilege, 1);
    assert.equal(hart.state.pc, PROGRAM);
    assert.deepEqual([hart.state.x(10), hart.state.x(11)], [0n, state.a1]);
    assert.equal(machine.firmware, undefined);
  });

  it('is read-only, and nothing is executed where there is no memory', () => {
    const { machine, hart } = start(
      'li t0, 0x1000\nsd zero, 0(t0)\nla t1, 1f\ncsrw mtvec, t1\nli t0, 0x10000000\njr t0\n.balign 4\n1: j 1b',
    );
    machine.run(100);
    assert.equal(machine.bus.read(0x1000, 4), 0x297n);
    assert.equal(hart.csrs.read(0x342), BigInt(EXCEPTION.fetchAccess));
    assert.equal(hart.csrs.read(0x343), 0x10000000n);
  });

  it('gives the program a device tree of the user’s', () => {
    const tree = encodeFdt({ name: '', properties: { model: 'mine' } });
    const { machine, state } = start(DYNAMIC_FIRMWARE, '1: j 1b', tree);
    const blob = machine.memory.bytes(Number(state.a1), 0x200);
    assert.match(new TextDecoder('latin1').decode(blob), /mine\0/);
  });

  it('refuses a program where the firmware is', () => {
    const machine = new Machine({ memoryBytes: 16 << 20 });
    const both = part('1: j 1b', FIRMWARE);
    assert.throws(
      () => machine.boot({ program: both, mode: 'supervisor', firmware: both }),
      /The program \(0x80000000 to .*\) and the firmware \(.*\) want the same memory; link the program behind/,
    );
  });
});
