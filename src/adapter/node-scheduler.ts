/** Node's clock and event loop for the debugger's run loop. */
import type { Scheduler } from '../debugger/run-loop';
import { hostMilliseconds } from './host-clock';

export const nodeScheduler: Scheduler = {
  now: hostMilliseconds,
  soon: (callback) => void setImmediate(callback),
  later(callback, milliseconds) {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};
