/** Node's clock and event loop for the debugger's run loop. */
import type { Scheduler } from '../debugger/run-loop';

export const nodeScheduler: Scheduler = {
  now: () => performance.now(),
  soon: (callback) => void setImmediate(callback),
  later(callback, milliseconds) {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};
