/** What comes into a system from the host's network: it waits outside, and gets in only between two slices. */
import type { Machine } from '../../machine/machine';
import type { Gateway } from '../../machine/network/gateway';

export class HostInput {
  /** Called when something waits for `deliver`. */
  onWaiting?: (() => void) | undefined;

  /** To be made when everything is loaded: from now on the host's sockets lead to this system. */
  constructor(
    private readonly machine: Machine,
    private readonly gateways: readonly Gateway[],
  ) {
    for (const gateway of gateways) {
      gateway.onHostEvent = () => this.onWaiting?.();
      gateway.attach();
    }
    machine.awaitsHost = () => this.isAwaited;
  }

  /** The guests may be waiting for the host, where time is real. */
  get isAwaited(): boolean {
    return this.gateways.some(({ awaitsHost }) => awaitsHost);
  }

  /** Lets in what waits. */
  deliver(): void {
    if (this.gateways.length === 0) return;
    this.machine.engine.observe(() => this.gateways.forEach((gateway) => gateway.deliver()));
  }
}
