// Whatever a driver writes to registers and rings, nothing breaks. `npm run fuzz:devices` does the same for longer.
import { fuzzDriver, VIRTIO_KINDS } from '../../../../test/fuzz/devices/drivers';

describe('Virtio devices under random drivers', () => {
  for (const kind of VIRTIO_KINDS) {
    for (const legacy of [false, true]) {
      it(`${kind} survives them, ${legacy ? 'legacy' : 'modern'}`, async () => {
        for (let seed = 1; seed <= 6; seed++) await fuzzDriver(kind, legacy, seed, 3000);
      });
    }
  }
});
