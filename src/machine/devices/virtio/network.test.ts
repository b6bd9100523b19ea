// Frames both ways, and the control queue.
import assert from 'node:assert/strict';
import { OwnBench } from '../../../../test/support/virtio-bench';
import { REG, VirtioDriver } from '../../../../test/support/virtio-driver';
import type { NetworkPeer } from './network';
import { VirtioNetwork } from './network';
import { FEATURE } from './virtio-device';

const MRG_RXBUF = 1n << 15n;

class Cable implements NetworkPeer {
  readonly sent: string[] = [];
  onFrame: (frame: Uint8Array) => void = () => {};

  send(frame: Uint8Array): void {
    this.sent.push(Buffer.from(frame).toString());
  }

  transferState(): void {
    // Nobody takes snapshots of it.
  }
}

async function setUp(features = 0n, legacy = false) {
  const cable = new Cable();
  const bench = new OwnBench(new VirtioNetwork(cable), legacy);
  const driver = await VirtioDriver.start(bench, { queues: 3, features });
  return { cable, bench, driver };
}

const bytes = (text: string) => new TextEncoder().encode(text);

describe('VirtioNetwork', () => {
  it('sends frames without their header', async () => {
    const { cable, driver } = await setUp();
    assert.equal((await driver.send(1, new Uint8Array(12), bytes('frame'))).written, 0);
    await driver.send(1, Buffer.concat([new Uint8Array(12), bytes('other')]));
    assert.deepEqual(cable.sent, ['frame', 'other']);
    const old = await setUp(0n, true);
    await old.driver.send(1, new Uint8Array(10), bytes('frame'));
    assert.deepEqual(old.cable.sent, ['frame']);
  });

  it('receives frames into the buffers that there are', async () => {
    const { cable, driver } = await setUp();
    const early = await driver.offer(0, [100]);
    cable.onFrame(bytes('first'));
    const { written, data } = await driver.receive(early);
    assert.equal(written, 17);
    assert.deepEqual([data[0][10], data[0][11]], [1, 0]);
    assert.equal(Buffer.from(data[0].subarray(12, 17)).toString(), 'first');
    cable.onFrame(bytes('second'));
    const late = await driver.send(0, 12, 100);
    assert.equal(Buffer.from(late.data[1].subarray(0, 6)).toString(), 'second');
    const small = await driver.offer(0, [14]);
    await driver.set(REG.queueNotify, 0);
    cable.onFrame(bytes('too large'));
    cable.onFrame(bytes('ok'));
    assert.equal((await driver.receive(small)).written, 14);
  });

  it('spreads a frame over buffers where the driver can put them together', async () => {
    const { cable, bench, driver } = await setUp(MRG_RXBUF);
    const first = await driver.offer(0, [16]);
    cable.onFrame(bytes('0123456789'));
    assert.equal(await driver.usedIndex(0), 0);
    const second = await driver.offer(0, [16]);
    await driver.set(REG.queueNotify, 0);
    const answers = [await driver.receive(first), await driver.receive(second)];
    assert.deepEqual([answers[0].written, answers[1].written], [16, 6]);
    assert.equal(answers[0].data[0][10], 2);
    assert.equal(Buffer.from(answers[1].data[0].subarray(0, 6)).toString(), '456789');
    assert.deepEqual(bench.problems, []);
  });

  it('answers control commands', async () => {
    const { driver } = await setUp(1n << 23n);
    const command = async (...parts: number[]) => (await driver.send(2, Uint8Array.of(...parts), 1)).data[0][0];
    assert.equal(await command(0, 0, 1), 0);
    assert.equal(await command(0, 9, 1), 1);
    assert.equal(await command(1, 1, 2, 4, 6, 8, 10, 12), 0);
    assert.equal(await driver.get(REG.config), 0x08060402);
    assert.equal(await command(1, 1, 2), 1);
    assert.equal(await command(2, 0, 1, 0), 0);
    assert.equal(await command(4, 0, 1, 0), 1);
  });

  it('keeps so many frames, and no more', async () => {
    const { cable, driver } = await setUp(FEATURE.indirectDescriptors);
    for (let i = 0; i < 1000; i++) cable.onFrame(Uint8Array.of(i));
    let count = 0;
    for (; count < 256; count++) assert.equal((await driver.send(0, 50)).data[0][12], count & 255);
    await driver.offer(0, [50]);
    await driver.set(REG.queueNotify, 0);
    assert.equal(await driver.usedIndex(0), 256);
  });
});
