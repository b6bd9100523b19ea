/** Who has which address on the guest's network: questions, answers, and what was learnt (RFC 826). */
import type { StateTransfer } from '../../engine/state-transfer';
import { EVERYBODY, GATEWAY, GATEWAY_MAC, isGuests, isOurs } from './addresses';
import type { Ipv4, Mac } from './packets';
import { address, ETHER_TYPE, transferAddress, view, writeFrame } from './packets';

const SIZE = 28;
const REQUEST = 1;
const REPLY = 2;
/** Ethernet and IPv4, with their addresses' lengths. */
const KIND = 0x0001_0800;
const LENGTHS = 0x0604;

/** Packets that wait for an answer to a question; older ones are lost. */
const MOST_WAITING = 16;
const LARGEST_PACKET = 65_535;
const NO_BYTES = new Uint8Array(0);

export class Neighbours {
  /** The guests' hardware addresses, by the last number of their address. */
  private readonly known = new Map<number, Mac>();
  private waiting: { readonly target: Ipv4; readonly packet: Uint8Array }[] = [];

  /** @param send takes frames for the guest */
  constructor(private readonly send: (frame: Uint8Array) => void) {}

  transferState(state: StateTransfer): void {
    const known = state.list(this.known, 256, (entry): [number, Mac] => [
      state.integer(entry?.[0] ?? 0, 255),
      [...state.bytes(Uint8Array.from(entry?.[1] ?? []), 6, 6)],
    ]);
    this.waiting = state.list(this.waiting, MOST_WAITING, (one) => ({
      target: transferAddress(state, one?.target),
      packet: state.bytes(one?.packet ?? NO_BYTES, LARGEST_PACKET),
    }));
    if (!state.isRestoring) return;
    this.known.clear();
    for (const [number, mac] of known) this.known.set(number, mac);
  }

  /** Sends an IP packet to a guest, after finding out where it is; to no other address. */
  deliver(target: Ipv4, packet: Uint8Array): void {
    if (!isGuests(target)) return;
    const destination = this.known.get(target[3]);
    if (destination) {
      this.send(writeFrame({ destination, source: GATEWAY_MAC, type: ETHER_TYPE.ipv4, payload: packet }));
      return;
    }
    this.waiting.push({ target, packet });
    if (this.waiting.length > MOST_WAITING) this.waiting.shift();
    this.sendArp(REQUEST, EVERYBODY, [0, 0, 0, 0, 0, 0], target, GATEWAY);
  }

  /** A packet came from this address. */
  learn(source: Ipv4, mac: Mac): void {
    if (!isGuests(source)) return;
    this.known.set(source[3], mac);
    if (this.waiting.length === 0) return;
    const ready = this.waiting.filter(({ target }) => target[3] === source[3]);
    this.waiting = this.waiting.filter(({ target }) => target[3] !== source[3]);
    for (const { target, packet } of ready) this.deliver(target, packet);
  }

  /** Takes what an ARP frame carries. */
  receive(payload: Uint8Array): void {
    if (payload.length < SIZE) return;
    const fields = view(payload);
    if (fields.getUint32(0) !== KIND || fields.getUint16(4) !== LENGTHS) return;
    const [sender, target] = [address(payload, 14), address(payload, 24)];
    const mac = [...payload.subarray(8, 14)];
    this.learn(sender, mac);
    if (fields.getUint16(6) === REQUEST && isOurs(target)) this.sendArp(REPLY, mac, mac, sender, target);
  }

  private sendArp(operation: number, destination: Mac, mac: Mac, target: Ipv4, from: Ipv4): void {
    const payload = new Uint8Array(SIZE);
    const fields = view(payload);
    fields.setUint32(0, KIND);
    fields.setUint16(4, LENGTHS);
    fields.setUint16(6, operation);
    payload.set([...GATEWAY_MAC, ...from, ...mac, ...target], 8);
    this.send(writeFrame({ destination, source: GATEWAY_MAC, type: ETHER_TYPE.arp, payload }));
  }
}
