// The console both ways, before and after the driver is there.
import assert from 'node:assert/strict';
import { OwnBench } from '../../../../test/support/virtio-bench';
import { REG, VirtioDriver } from '../../../../test/support/virtio-driver';
import { VirtioConsole } from './console';

const bytes = (text: string) => new TextEncoder().encode(text);

async function setUp(legacy = false, resizable = false) {
  const console = new VirtioConsole({ resizable });
  const bench = new OwnBench(console, legacy);
  let output = '';
  console.onOutput = (sent) => (output += Buffer.from(sent).toString('latin1'));
  const start = () => VirtioDriver.start(bench, { queues: 2, ...(resizable && { features: 1n }) });
  return { console, bench, start, output: () => output };
}

describe('VirtioConsole', () => {
  it('prints, however long the text is', async () => {
    const { start, output } = await setUp();
    const driver = await start();
    await driver.send(1, bytes('hello '), bytes('there'));
    await driver.send(1, bytes('!'));
    assert.equal(output(), 'hello there!');
    assert.equal((await driver.send(1, bytes('x'))).written, 0);
  });

  it("tells the driver its terminal's size, if it is to", async () => {
    const { console, start } = await setUp(false, true);
    console.resize(80, 24);
    const driver = await start();
    assert.equal((await driver.get(REG.config)) & 0xffff, 80);
    const before = await driver.get(REG.interruptStatus);
    console.resize(80, 24);
    assert.equal(await driver.get(REG.interruptStatus), before);
    console.resize(132, 50);
    assert.equal(await driver.get(REG.config), 132 | (50 << 16));
    assert.equal((await driver.get(REG.interruptStatus)) & 2, 2, 'an interrupt of a changed configuration');
    const plain = await setUp();
    const other = await plain.start();
    plain.console.resize(132, 50);
    assert.equal((await other.get(REG.interruptStatus)) & 2, 0);
  });

  it('keeps input until there is a driver with buffers, and loses none', async () => {
    const { console, bench, start } = await setUp(true);
    assert.equal(console.receive(bytes('early ')), 6);
    const driver = await start();
    assert.equal(console.receive(bytes('and late')), 8);
    const first = await driver.send(0, 4);
    const second = await driver.send(0, 3, 200);
    assert.equal(Buffer.from(first.data[0]).toString(), 'earl');
    assert.equal(second.written, 10);
    assert.equal(console.waiting, 0);
    const sent = await driver.offer(0, [100]);
    await driver.set(REG.queueNotify, 0);
    assert.equal(await driver.usedIndex(0), 2);
    console.receive(bytes('now'));
    assert.equal((await driver.receive(sent)).written, 3);
    assert.deepEqual(bench.problems, []);
  });

  it('prints from the emergency register', async () => {
    const { start, output, bench } = await setUp();
    await bench.write(0x10001000 + REG.config + 8, 4, 0x41);
    const driver = await start();
    await driver.set(REG.config + 8, 0x42, 1);
    assert.equal(output(), 'AB');
  });

  it('prints much a part at a time', async () => {
    const { bench, start, output } = await setUp();
    const driver = await start();
    const { descriptors } = driver.queues[1];
    // 3 MiB by eight descriptors that lie on top of each other.
    const buffer = driver.queues[1].buffers;
    for (let i = 0; i < 8; i++) {
      const descriptor = new DataView(new ArrayBuffer(16));
      descriptor.setBigUint64(0, BigInt(buffer), true);
      descriptor.setUint32(8, 0x60000, true);
      descriptor.setUint16(12, i === 7 ? 0 : 1, true);
      descriptor.setUint16(14, i + 1, true);
      await bench.writeMemory(descriptors + 16 * i, new Uint8Array(descriptor.buffer));
    }
    await driver.putAvailable(1, 0);
    await driver.set(REG.queueNotify, 1);
    assert.equal(output().length, 2 ** 20);
    for (let i = 0; i < 4; i++) await bench.wait();
    assert.equal(output().length, 8 * 0x60000);
    assert.equal(await driver.usedIndex(1), 1);
  });
});
