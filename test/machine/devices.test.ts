/** The machine's clock and virtio slots, as a program finds them: addresses, interrupts, waiting. */
import assert from 'node:assert/strict';
import { assembleSource } from '../../src/isa/assemble';
import { VirtioBlock } from '../../src/machine/devices/virtio/block';
import { MemoryStorage } from '../../src/machine/devices/virtio/storage';
import { VirtioEntropy } from '../../src/machine/devices/virtio/entropy';
import type { DeviceOptions } from '../../src/machine/extra-devices';
import { Machine } from '../../src/machine/machine';
import type { RunResult } from '../../src/machine/run-result';

const BASE = 0x80000000n;
const POWER_OFF = 'li t0, 0x100000\nli t1, 0x5555\nsw t1, 0(t0)\n';

function start(source: string, devices: DeviceOptions): Machine {
  const { bytes } = assembleSource(source, BASE);
  const machine = new Machine({ memoryBytes: 1 << 20, devices });
  const segments = [{ address: Number(BASE), data: bytes, memorySize: bytes.length }];
  machine.boot({ program: { entry: BASE, segments }, mode: 'machine' });
  return machine;
}

function runToEnd(machine: Machine, slice: number): RunResult[] {
  const waits: RunResult[] = [];
  for (;;) {
    const result = machine.run(slice);
    if (result.kind === 'power-off') return waits;
    assert.ok(machine.instructions < 1_000_000, 'the program does not end');
    if (result.kind !== 'limit') waits.push(result);
    assert.notEqual(result.kind, 'idle');
  }
}

/** Sets an alarm 1 ms ahead, and either waits for it or counts until its interrupt comes. */
const alarmProgram = (waiting: string): string => `
  la t0, handler
  csrw mtvec, t0
  li s0, 0xc000000      # the interrupt controller: source 11, context 0
  li t0, 1
  sw t0, 44(s0)
  li s1, 0xc002000
  li t0, 0x800
  sw t0, 0(s1)
  li t0, 0x800
  csrw mie, t0
  csrsi mstatus, 8
  li s0, 0x101000
  lw a0, 0(s0)
  lw a1, 4(s0)
  li t0, 1
  sw t0, 0x10(s0)
  li t0, 1000000
  add t0, t0, a0
  sw a1, 0xc(s0)
  sw t0, 8(s0)
loop:
  ${waiting}
  j loop
.balign 4
handler:
  li s1, 0xc200004
  lw a3, 0(s1)
  lw a2, 0(s0)
  sub a2, a2, a0
  ${POWER_OFF}
`;

describe('the machine has', () => {
  it('a clock whose alarm comes at its time, in every way of running', () => {
    const rtcStart = 1_700_000_000_000_000_000n;
    const ends: number[] = [];
    for (const slice of [1, 97, 1_000_000]) {
      const machine = start(alarmProgram('addi a5, a5, 1'), { rtcStart });
      runToEnd(machine, slice);
      const { state } = machine.harts[0];
      const started = (state.x(11) << 32n) | BigInt.asUintN(32, state.x(10));
      assert.ok(started >= rtcStart && started < rtcStart + 1000n, `${started}`);
      assert.equal(state.x(13), 11n);
      assert.ok(state.x(12) >= 1_000_000n && state.x(12) < 1_000_500n, `${state.x(12)}`);
      ends.push(machine.instructions);
    }
    assert.equal(new Set(ends).size, 1);
  });

  it('a clock whose alarm ends waiting', () => {
    const machine = start(alarmProgram('wfi'), {});
    const waits = runToEnd(machine, 1_000_000);
    assert.equal(waits.length, 1);
    assert.equal(waits[0].kind, 'waiting');
    assert.ok(machine.instructions < 100);
    assert.ok(machine.harts[0].state.x(12) >= 1_000_000n);
  });

  it('eight virtio slots, with devices from the first on', () => {
    const disk = new VirtioBlock({ storage: new MemoryStorage(new Uint8Array(512)) });
    const { bus, devices } = start('1: j 1b', {
      virtio: [disk, undefined, new VirtioEntropy()],
      virtioVersion: 'modern',
    });
    const ids = Array.from({ length: 8 }, (_, slot) => bus.read(0x10001008 + slot * 0x1000, 4));
    assert.deepEqual(ids, [2n, 0n, 4n, 0n, 0n, 0n, 0n, 0n]);
    assert.equal(bus.read(0x10001004, 4), 2n);
    assert.equal(bus.read(0x10001200, 4), undefined);
    assert.equal(devices.slots.length, 8);
    assert.throws(() => new Machine({ memoryBytes: 1 << 20, devices: { virtio: new Array(9) } }), /8 virtio slots/);
  });
});
