/** A DHCP server for one client (RFC 2131, options of RFC 2132). */
import type { Ipv4 } from './packets';
import { address, sameAddress, view } from './packets';

export const SERVER_PORT = 67;
export const CLIENT_PORT = 68;

/** What the client is told. */
export interface Lease {
  readonly client: Ipv4;
  readonly server: Ipv4;
  readonly mask: Ipv4;
  readonly router: Ipv4;
  readonly nameServer: Ipv4;
  readonly seconds: number;
}

const REQUEST = 1;
const REPLY = 2;
const FIXED_SIZE = 236;
const COOKIE = 0x63825363;
const MESSAGE = { discover: 1, offer: 2, request: 3, acknowledge: 5, refuse: 6 } as const;
const OPTION = {
  pad: 0,
  mask: 1,
  router: 3,
  nameServer: 6,
  requestedAddress: 50,
  leaseTime: 51,
  message: 53,
  server: 54,
  end: 255,
} as const;

/** The answer to a client's message; undefined where none is due. */
export function answerDhcp(message: Uint8Array, lease: Lease): Uint8Array | undefined {
  if (message.length < FIXED_SIZE + 4 || message[0] !== REQUEST) return undefined;
  if (view(message).getUint32(FIXED_SIZE) !== COOKIE) return undefined;
  const options = readOptions(message.subarray(FIXED_SIZE + 4));
  const server = options.get(OPTION.server);
  if (server?.length === 4 && !sameAddress([...server], lease.server)) return undefined;
  const kind = options.get(OPTION.message)?.[0];
  if (kind === MESSAGE.discover) return write(message, MESSAGE.offer, lease);
  if (kind !== MESSAGE.request) return undefined;
  const asked = options.get(OPTION.requestedAddress);
  const wanted = asked?.length === 4 ? [...asked] : address(message, 12);
  return write(message, sameAddress(wanted, lease.client) ? MESSAGE.acknowledge : MESSAGE.refuse, lease);
}

function readOptions(bytes: Uint8Array): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>();
  for (let at = 0; at < bytes.length && bytes[at] !== OPTION.end;) {
    if (bytes[at] === OPTION.pad) {
      at++;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    options.set(bytes[at], bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return options;
}

function write(request: Uint8Array, kind: number, lease: Lease): Uint8Array {
  const granted = kind !== MESSAGE.refuse;
  const options = [
    ...[OPTION.message, 1, kind],
    ...[OPTION.server, 4, ...lease.server],
    ...(granted
      ? [
          ...[OPTION.mask, 4, ...lease.mask],
          ...[OPTION.router, 4, ...lease.router],
          ...[OPTION.nameServer, 4, ...lease.nameServer],
          ...[OPTION.leaseTime, 4, ...[24, 16, 8, 0].map((shift) => (lease.seconds >>> shift) & 0xff)],
        ]
      : []),
    OPTION.end,
  ];
  const reply = new Uint8Array(FIXED_SIZE + 4 + Math.max(60, options.length));
  // Hardware type and length, the exchange's number, flags, the client's hardware address: as in the request.
  for (const [start, end] of [
    [1, 3],
    [4, 8],
    [10, 12],
    [28, 44],
  ]) {
    reply.set(request.subarray(start, end), start);
  }
  reply[0] = REPLY;
  if (granted) reply.set(lease.client, 16);
  reply.set(lease.server, 20);
  view(reply).setUint32(FIXED_SIZE, COOKIE);
  reply.set(options, FIXED_SIZE + 4);
  return reply;
}
