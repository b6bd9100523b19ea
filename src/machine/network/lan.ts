/**
 * A network between guests: a switch that learns which addresses are behind which port. What each guest's gateway answers
 * itself does not come here.
 */
import type { StateTransfer } from '../../engine/state-transfer';
import { GATEWAY_MAC } from './addresses';
import type { Mac } from './packets';
import { sameAddress } from './packets';

/** Addresses that are remembered; the one that was learnt first is forgotten. */
const MOST_ADDRESSES = 1024;
const MOST_PORTS = 64;

export class Lan {
  private readonly ports: ((frame: Uint8Array) => void)[] = [];
  /** Ports by hardware address, as hexadecimal digits. */
  private readonly learnt = new Map<string, number>();

  /** @param onFrame takes what comes out at the port @returns sends a frame into it */
  plugIn(onFrame: (frame: Uint8Array) => void): (frame: Uint8Array) => void {
    const port = this.ports.push(onFrame) - 1;
    return (frame) => this.pass(port, frame);
  }

  transferState(state: StateTransfer): void {
    const learnt = state.list(this.learnt, MOST_ADDRESSES, (entry): [string, number] => [
      state.text(entry?.[0] ?? '', 12),
      state.integer(entry?.[1] ?? 0, MOST_PORTS),
    ]);
    if (!state.isRestoring) return;
    this.learnt.clear();
    for (const [address, port] of learnt) this.learnt.set(address, port);
  }

  private pass(from: number, frame: Uint8Array): void {
    const [destination, source] = [frame.subarray(0, 6), frame.subarray(6, 12)];
    // Nobody speaks for the gateway, and no group sends anything.
    if (source.length < 6 || isGroup(source) || sameAddress([...source], GATEWAY_MAC)) return;
    this.learn(keyOf(source), from);
    const to = isGroup(destination) ? undefined : this.learnt.get(keyOf(destination));
    if (to === undefined) for (const [port, send] of this.ports.entries()) if (port !== from) send(frame);
    if (to !== undefined && to !== from) this.ports[to]?.(frame);
  }

  private learn(address: string, port: number): void {
    if (!this.learnt.has(address) && this.learnt.size >= MOST_ADDRESSES) {
      const [oldest] = this.learnt.keys();
      this.learnt.delete(oldest);
    }
    this.learnt.set(address, port);
  }
}

function isGroup(address: Uint8Array | Mac): boolean {
  return (address[0] & 1) !== 0;
}

function keyOf(address: Uint8Array): string {
  return [...address].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
