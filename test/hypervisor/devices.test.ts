/** A guest's own virtio devices and clock: found, used by addresses of the guest, and kept to the guest's memory. */
import assert from 'node:assert/strict';
import { checkDeviceMemory } from '../../src/hypervisor/isolation';
import { GuestBench } from '../support/guest-bench';
import { awaitInterrupt, disk, QUEUE, readSector1, store } from '../support/disk-program';
import { GuestLab } from '../support/guest-lab';
import { REG, VirtioDriver } from '../support/virtio-driver';

const [S2, S3, S4, S5] = [18, 19, 20, 21];
describe('A guest’s devices', () => {
  for (const synchronization of ['sfence', 'write-protect'] as const) {
    it(`read a disk into the guest’s memory, and interrupt it (${synchronization})`, () => {
      const lab = new GuestLab(readSector1(0), { devices: { virtio: [disk()] }, synchronization });
      lab.finish();
      assert.deepEqual([lab.x(S5), lab.x(S2), lab.x(S3)], [2n, (1n << 63n) + 9n - (1n << 64n), 1n]);
      assert.equal(lab.x(S4), 0x5a5a5a5a5a5a5a5an);
      const { offset } = lab.guest.memory;
      assert.equal(lab.machine.memory.read32(QUEUE + 0x4000 + offset), 0x5a5a5a5a);
      assert.ok(lab.of('mmio').some(({ device }) => device === 'virtio_mmio 0'));
    });
  }

  it('have a clock whose alarm ends waiting', () => {
    const lab = new GuestLab(
      `
      li s0, 0x101000
      lw s4, 0(s0)
      lw s5, 4(s0)
      ${store(0x10, 1)}
      li t0, 5000000
      add t0, t0, s4
      sw s5, 0xc(s0)
      sw t0, 8(s0)
      ${awaitInterrupt(11)}
      lw t0, 0(s0)
      sub s4, t0, s4
    `,
      { devices: { rtcStart: 1n << 60n } },
    );
    for (let tries = 0; lab.run().kind !== 'power-off'; tries++) assert.ok(tries < 10);
    assert.deepEqual([lab.x(S5), lab.x(S3)], [1n << 28n, 11n]);
    assert.ok(lab.x(S4) >= 5_000_000n && lab.x(S4) < 5_100_000n, `${lab.x(S4)}`);
  });

  it('reach nothing outside the guest’s memory', async () => {
    const lab = new GuestLab('', { devices: { virtio: [disk()], virtioVersion: 'modern' } });
    const problems: string[] = [];
    lab.guest.onProblem = (message) => problems.push(message);
    const { size, offset, gpaBase } = lab.guest.memory;
    const snapshot = lab.machine.memory.bytes(0x8000_0000, offset).slice();
    const bench = new GuestBench(lab.guest, lab.machine.memory);
    for (const address of [
      gpaBase + size,
      gpaBase + size - 256,
      gpaBase - 512,
      gpaBase + offset,
      0,
      2 ** 40,
      2 ** 63,
    ]) {
      const driver = await VirtioDriver.start(bench);
      const { descriptors, buffers } = driver.queues[0];
      const view = new DataView(new ArrayBuffer(48));
      for (const [index, at, length, flags] of [
        [0, buffers, 16, 1],
        [1, address, 512, 3],
        [2, buffers + 64, 1, 2],
      ]) {
        view.setBigUint64(16 * index, BigInt(at), true);
        view.setUint32(16 * index + 8, length, true);
        view.setUint16(16 * index + 12, flags, true);
        view.setUint16(16 * index + 14, index + 1, true);
      }
      await bench.writeMemory(descriptors, new Uint8Array(view.buffer));
      await driver.putAvailable(0, 0);
      await driver.set(REG.queueNotify, 0);
      assert.match(problems.pop() ?? '', /The disk .*: a buffer of 512 bytes at 0x[0-9a-f]+ is not in memory\.$/);
      await driver.set(REG.queueSelect, 0);
      await driver.set(REG.status, 0);
    }
    for (const address of [gpaBase + size, gpaBase + offset, 0x1000]) {
      const driver = await VirtioDriver.start(bench);
      await driver.set(REG.queueUsed, address % 2 ** 32);
      await driver.set(REG.queueReady, 1);
      await driver.putAvailable(0, 0);
      await driver.set(REG.queueNotify, 0);
      assert.match(problems.pop() ?? '', /the rings of a queue are not in memory\.$/);
    }
    assert.ok(Buffer.from(lab.machine.memory.bytes(0x8000_0000, offset)).equals(Buffer.from(snapshot)));
    assert.throws(() => bench.dma.read32(gpaBase + size - 2), RangeError);
    assert.throws(() => bench.dma.load(gpaBase - 1, new Uint8Array(2)), RangeError);
  });

  it('may be the machine’s own, with addresses of the guest and the machine’s interrupts', () => {
    const source = `${readSector1(7)}
      lw t2, 0x60(s0)
      sw t2, 0x64(s0)
      sw s3, 0(t1)
      li t1, 0xc201004
      sw s3, 0(t1)
      lw s5, 0(t1)
    `;
    const lab = new GuestLab(source, { machineDevices: { virtio: [undefined, disk()] }, passthrough: [1] });
    lab.finish();
    assert.deepEqual([lab.x(S3), lab.x(S4), lab.x(S5)], [8n, 0x5a5a5a5a5a5a5a5an, 0n]);
    const { offset } = lab.guest.memory;
    assert.equal(lab.machine.memory.read32(QUEUE + 0x4004 + offset), 0x5a5a5a5a);
    assert.equal(lab.machine.bus.read(0x10002060, 4), 0n);
    assert.ok(lab.of('interrupt').some(({ cause }) => cause === 9));
    // What the guest has not acknowledged stays, on both sides.
    const deaf = new GuestLab(readSector1(7), { machineDevices: { virtio: [undefined, disk()] }, passthrough: [1] });
    deaf.finish();
    assert.equal(deaf.machine.bus.read(0x10002060, 4), 1n);
  });

  it('of the machine reach nothing outside the guest’s memory either', async () => {
    const lab = new GuestLab('', {
      machineDevices: { virtio: [disk()], virtioVersion: 'modern' },
      passthrough: [0],
    });
    const problems: string[] = [];
    lab.machine.devices.onProblem = (message) => problems.push(message);
    const bench = new GuestBench(lab.guest, lab.machine.memory, 7);
    const driver = await VirtioDriver.start(bench);
    await driver.set(REG.queueUsed, (lab.guest.memory.gpaBase + lab.guest.memory.offset) % 2 ** 32);
    await driver.set(REG.queueReady, 1);
    await driver.putAvailable(0, 0);
    await driver.set(REG.queueNotify, 0);
    assert.match(problems.pop() ?? '', /the rings of a queue are not in memory\.$/);
    assert.deepEqual(checkDeviceMemory(lab.machine, lab.hypervisor.guests), []);
    lab.machine.devices.ports[0].target = lab.machine.memory;
    assert.equal(checkDeviceMemory(lab.machine, lab.hypervisor.guests).length, 1);
  });

  it('of the machine are there, and one guest’s', () => {
    assert.throws(
      () => new GuestLab('', { passthrough: [0] }),
      /virtio0 of the machine, where there is no device; give/,
    );
    const machineDevices = { virtio: [disk()] };
    assert.throws(() => new GuestLab('', { machineDevices, passthrough: [0, 0] }), /which another guest has/);
  });

  it('are as many as there are slots', () => {
    const nine = Array.from({ length: 9 }, disk);
    assert.throws(() => new GuestLab('', { devices: { virtio: nine } }), /8 virtio slots, and 9 devices/);
  });
});
