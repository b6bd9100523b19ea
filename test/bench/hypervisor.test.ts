// What the bench measures of the hypervisor, with little work: kernels that are measured cannot rot unseen.
import assert from 'node:assert/strict';
import { ownMeasurements } from '../../bench/hypervisor/measurements';

describe('measurements of the hypervisor', () => {
  for (const { name, measure } of ownMeasurements) {
    it(name, () => {
      const value = measure(64);
      assert.ok(Number.isFinite(value) && value > 0, `${value}`);
    });
  }
});
