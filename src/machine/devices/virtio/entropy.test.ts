// Random numbers that are the same in every run.
import assert from 'node:assert/strict';
import { OwnBench } from '../../../../test/support/virtio-bench';
import { VirtioDriver } from '../../../../test/support/virtio-driver';
import { VirtioEntropy } from './entropy';

async function numbers(seed?: number): Promise<Uint8Array> {
  const driver = await VirtioDriver.start(new OwnBench(new VirtioEntropy(seed), false));
  const first = await driver.send(0, 1000);
  const second = await driver.send(0, 3, 21);
  assert.deepEqual([first.written, second.written], [1000, 24]);
  return Buffer.concat([...first.data, ...second.data]);
}

describe('VirtioEntropy', () => {
  it('gives the same numbers to every run, and others for another seed', async () => {
    assert.deepEqual(await numbers(5), await numbers(5));
    assert.notDeepEqual(await numbers(5), await numbers(6));
    assert.deepEqual(await numbers(), await numbers(1));
  });

  it('gives numbers of every kind, also from seed 0', async () => {
    for (const seed of [0, 1, 0xffff_ffff]) {
      const seen = new Set(await numbers(seed));
      assert.ok(seen.size > 220, `${seen.size} different bytes`);
    }
  });
});
