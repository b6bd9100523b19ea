/** What the host has told and the machine has not heard yet. Bounded by what the host may send before it is answered. */
import type { HostEvent } from './host-link';

/** Datagrams that wait; more are lost, as they may be anywhere. */
const MOST_DATAGRAMS = 256;

export class HostEventQueue {
  private readonly events: HostEvent[] = [];
  private datagrams = 0;

  push(event: HostEvent): void {
    if (event.kind === 'datagram') {
      if (this.datagrams >= MOST_DATAGRAMS) return;
      this.datagrams++;
    }
    this.events.push(event);
  }

  clear(): void {
    this.events.length = 0;
    this.datagrams = 0;
  }

  shift(): HostEvent | undefined {
    const event = this.events.shift();
    if (event?.kind === 'datagram') this.datagrams--;
    return event;
  }
}
