/**
 * The host's side of a guest's network, as messages: what the network asks the host to do with its sockets, and what the
 * host tells of them. Whoever owns sockets implements `HostLink`; here is nothing but bytes and numbers, so that an
 * execution is a function of the events and of the instruction counts at which they came.
 */

export type TransportProtocol = 'tcp' | 'udp';

/** A port of the host's loopback that leads to a port of the guest. */
export interface Forward {
  readonly protocol: TransportProtocol;
  readonly host: number;
  readonly guest: number;
}

/** A port of the gateway that leads to a port of the host's loopback. */
export interface Reach {
  readonly protocol: TransportProtocol;
  readonly gateway: number;
  readonly host: number;
}

/** What the configuration opens; there is no other way in or out. */
export interface NetworkRules {
  readonly forward: readonly Forward[];
  readonly reach: readonly Reach[];
}

export const NO_RULES: NetworkRules = { forward: [], reach: [] };

/** Bytes for the guest that the host may send before it is told that some were taken. */
export const STREAM_CREDIT = 256 * 1024;

/**
 * A stream is a TCP connection, a flow a pair of UDP ports; each has a number. Those that the network opens have even
 * numbers, those that the host opens have odd ones.
 */
export type HostCommand =
  /** Connect to a port of the host's loopback. */
  | { readonly kind: 'connect'; readonly stream: number; readonly port: number }
  | { readonly kind: 'send'; readonly stream: number; readonly bytes: Uint8Array }
  /** The guest will send no more; it may still receive. */
  | { readonly kind: 'end'; readonly stream: number }
  /** The connection is no more; nothing is told of it from now on. */
  | { readonly kind: 'abort'; readonly stream: number }
  /** The guest took so many bytes of what the host sent. */
  | { readonly kind: 'taken'; readonly stream: number; readonly count: number }
  /** A datagram for a port of the host's loopback; the first one opens the flow. */
  | { readonly kind: 'datagram'; readonly flow: number; readonly port: number; readonly bytes: Uint8Array }
  | { readonly kind: 'closeFlow'; readonly flow: number }
  /** The machine went back to an earlier state, with these streams: break off all that there is, and tell that they failed. */
  | { readonly kind: 'restart'; readonly streams: readonly number[] };

export type HostEvent =
  /** Somebody connected to the host's port of a forward. */
  | { readonly kind: 'accepted'; readonly stream: number; readonly forward: Forward }
  /** The connection asked for is there. */
  | { readonly kind: 'connected'; readonly stream: number }
  | { readonly kind: 'data'; readonly stream: number; readonly bytes: Uint8Array }
  /** The host has passed on so many bytes of what the guest sent. */
  | { readonly kind: 'sent'; readonly stream: number; readonly count: number }
  /** The other side will send no more; it may still receive. */
  | { readonly kind: 'ended'; readonly stream: number }
  /** The connection was refused, or broke off. */
  | { readonly kind: 'failed'; readonly stream: number }
  /** A datagram for the guest: the answer in a flow of the network's, or one for a forward. */
  | { readonly kind: 'datagram'; readonly flow: number; readonly bytes: Uint8Array; readonly forward?: Forward };

export interface HostLink {
  send(command: HostCommand): void;
  /** Sets who hears of events. They come while the machine does not run. */
  attach(receive: (event: HostEvent) => void): void;
}
