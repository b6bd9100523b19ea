/** When a guest's devices do what they do later: by the machine's time, or by the guest's where that may stand still. */
import { DeviceClock } from '../machine/devices/device-clock';
import type { GuestClock } from './guest-clock';
import { NEVER } from './guest-csrs';

export function deviceClockOf(clock: GuestClock, machine: DeviceClock): DeviceClock {
  if (!clock.mayStop) return machine;
  const own: DeviceClock = new DeviceClock(() => Number(clock.now()));
  const wakeUp = machine.timer(() => {
    own.runDue();
    settle();
  });
  const settle = (): void => {
    const at = own.next === Infinity ? NEVER : clock.toMachine(BigInt(own.next));
    if (at === NEVER) wakeUp.stop();
    else wakeUp.start(Number(at));
  };
  own.onChange = settle;
  clock.onChange = settle;
  return own;
}
