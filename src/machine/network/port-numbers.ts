/** Ports of the gateway for what the host begins: those that RFC 6335 leaves for such uses, in turn. */
import type { StateTransfer } from '../../engine/state-transfer';

const FIRST = 49_152;
const LAST = 65_535;
export const MOST_PORT = 65_535;

export class PortNumbers {
  private next = FIRST;

  transferState(state: StateTransfer): void {
    this.next = state.integer(this.next, LAST, FIRST);
  }

  /** A port that is free; 0 when there is none. */
  take(isFree: (port: number) => boolean): number {
    for (let tries = FIRST; tries <= LAST; tries++) {
      const port = this.next;
      this.next = port === LAST ? FIRST : port + 1;
      if (isFree(port)) return port;
    }
    return 0;
  }
}
