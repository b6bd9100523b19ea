/** Two guests on one network: a frame of one gets into the memory of the other, and interrupts it; nothing else changes. */
import assert from 'node:assert/strict';
import { Hypervisor } from '../../src/hypervisor/hypervisor';
import { assembleSource } from '../../src/isa/assemble';
import { VirtioNetwork } from '../../src/machine/devices/virtio/network';
import { Machine } from '../../src/machine/machine';
import { Gateway } from '../../src/machine/network/gateway';
import { Lan } from '../../src/machine/network/lan';
import { VirtioDriver } from '../support/virtio-driver';
import { GuestBench } from '../support/guest-bench';

const MIB = 1 << 20;
const ENTRY = 0x80200000;
const PLIC_PENDING = 0xc001000;

describe('guests on one network', () => {
  it('send frames to each other', async () => {
    const machine = new Machine({ memoryBytes: 512 * MIB, harts: 2 });
    const { bytes } = assembleSource('1: wfi\nj 1b\n', BigInt(ENTRY));
    const lan = new Lan();
    const mac = (index: number) => [0x52, 0x54, 0, 0, 0, index];
    const guests = [0, 1].map((index) => {
      const card = new VirtioNetwork(new Gateway({ client: [10, 0, 2, 15 + index], lan }), mac(index));
      return {
        name: `guest ${index}`,
        memoryBytes: 128 * MIB,
        program: {
          entry: BigInt(ENTRY),
          segments: [{ address: ENTRY, data: bytes, memorySize: bytes.length }],
        },
        devices: { virtio: [card], virtioVersion: 'modern' as const },
      };
    });
    const hypervisor = new Hypervisor(machine, { guests });
    const [first, second] = hypervisor.guests.map((guest) => new GuestBench(guest, machine.memory));
    const sender = await VirtioDriver.start(first, { queues: 3 });
    const receiver = await VirtioDriver.start(second, { queues: 3 });
    const room = await receiver.offer(0, [200]);
    const frame = Uint8Array.of(...mac(1), ...mac(0), 0x12, 0x34, ...Array.from({ length: 50 }, (_, i) => i));
    await sender.send(1, new Uint8Array(12), frame);
    const { written, data } = await receiver.receive(room);
    assert.equal(written, 12 + frame.length);
    assert.deepEqual(data[0].slice(12, 12 + frame.length), frame);
    assert.equal((await second.read(PLIC_PENDING, 4)) & 2, 2);
    // A receiver without room loses frames, and the sender does not wait.
    for (let i = 0; i < 1000; i++) await sender.send(1, new Uint8Array(12), frame);
    assert.equal(await receiver.usedIndex(0), 1);
  });
});
