// Whatever a program does to the registers of a device, nothing breaks. `npm run fuzz:devices` does the same for longer.
import { fuzzRegisters, REGISTER_DEVICES } from '../../../test/fuzz/devices/registers';

describe('Devices under random accesses', () => {
  for (const name of REGISTER_DEVICES) {
    it(`${name} survives them`, () => {
      for (let seed = 1; seed <= 4; seed++) fuzzRegisters(name, seed, 5000);
    });
  }
});
