/** Random accesses to the registers of a device without queues: nothing breaks, and what is read has the access's width. */
import assert from 'node:assert/strict';
import { Bus } from '../../../src/machine/bus';
import { Clint } from '../../../src/machine/devices/clint';
import type { Device, Width } from '../../../src/machine/devices/device';
import { DeviceClock } from '../../../src/machine/devices/device-clock';
import { Finisher } from '../../../src/machine/devices/finisher';
import { Plic } from '../../../src/machine/devices/plic';
import { Rtc } from '../../../src/machine/devices/rtc';
import { Uart } from '../../../src/machine/devices/uart';
import { Random } from '../../support/random';

const WIDTHS: readonly Width[] = [1, 2, 4, 8];

/** What also happens to a device while the program is at it. */
type Outside = (random: Random) => void;

function makeUart(): [Device, Outside] {
  const uart = new Uart();
  return [uart, (random) => uart.receive(new Uint8Array(random.below(40)))];
}

function makePlic(): [Device, Outside] {
  const plic = new Plic({ harts: 8 });
  return [plic, (random) => plic.setLine(random.below(100), random.below(2) === 1)];
}

function makeClint(): [Device, Outside] {
  let now = 0;
  const clint = new Clint({ harts: 8, now: () => now });
  return [clint, (random) => (now += Number(random.bits(50)))];
}

function makeRtc(): [Device, Outside] {
  let now = 0;
  const clock = new DeviceClock(() => now);
  const outside: Outside = (random) => {
    now += random.below(2 ** 31);
    clock.runDue();
  };
  return [new Rtc({ clock, start: 1n << 62n }), outside];
}

const MAKERS = {
  uart: makeUart,
  plic: makePlic,
  clint: makeClint,
  rtc: makeRtc,
  finisher: (): [Device, Outside] => [new Finisher(), () => {}],
} as const satisfies Readonly<Record<string, () => [Device, Outside]>>;

export type RegisterDevice = keyof typeof MAKERS;
export const REGISTER_DEVICES = Object.keys(MAKERS) as RegisterDevice[];

/** Offsets near the start and the end of the device, near what is powers of two apart, and anywhere. */
function offsetIn(device: Device, random: Random): number {
  const near = random.below(64) - 16;
  const place = random.pick([0, device.size, 2 ** random.below(24), random.below(device.size)]);
  return place + near;
}

/** @throws what goes wrong, naming the access */
export function fuzzRegisters(name: RegisterDevice, seed: number, rounds: number): void {
  const random = new Random(seed);
  const [device, outside] = MAKERS[name]();
  const bus = new Bus();
  bus.add(device);
  for (let round = 0; round < rounds; round++) {
    const address = device.base + offsetIn(device, random);
    const width = random.pick(WIDTHS);
    const label = `seed ${seed}, round ${round}: ${width} bytes at 0x${address.toString(16)}`;
    if (random.below(8) === 0) outside(random);
    if (random.below(2) === 0) {
      const value = bus.read(address, width);
      if (value !== undefined) assert.equal(value, BigInt.asUintN(8 * width, value), label);
    } else {
      bus.write(address, width, random.bits(64));
    }
  }
}
