/** ICMP: echoes, and the news that something cannot be reached (RFC 792). */
import { GATEWAY, isUnicast } from './addresses';
import type { IpPacket } from './packets';
import { checksum, PROTOCOL, sameAddress, view, writeIp } from './packets';

const ECHO_REPLY = 0;
const UNREACHABLE = 3;
const ECHO_REQUEST = 8;
const HEADER = 8;
/** What an error quotes of the packet's payload. */
const QUOTED = 8;

export const UNREACHABLE_CODE = { network: 0, protocol: 2, port: 3 } as const;

export function isEchoRequest({ payload }: IpPacket): boolean {
  return payload.length >= HEADER && payload[0] === ECHO_REQUEST && checksum(payload) === 0;
}

/** The IP packet that answers a ping. */
export function echoReply({ source, destination, payload }: IpPacket): Uint8Array {
  const echo = payload.slice();
  echo[0] = ECHO_REPLY;
  return wrap(echo, destination, source);
}

/**
 * The IP packet that tells a guest that its packet went nowhere; undefined where nothing must be told (RFC 1122, 3.2.2).
 * @param bytes the packet as it came, header included
 */
export function unreachable(
  packet: IpPacket,
  bytes: Uint8Array,
  code: (typeof UNREACHABLE_CODE)[keyof typeof UNREACHABLE_CODE],
): Uint8Array | undefined {
  const { source, destination, protocol, payload } = packet;
  const isError = protocol === PROTOCOL.icmp && payload[0] !== ECHO_REQUEST;
  if (isError || !isUnicast(source) || !isUnicast(destination)) return undefined;
  const header = 4 * (bytes[0] & 15);
  const quoted = bytes.subarray(0, Math.min(header + QUOTED, header + payload.length));
  const message = new Uint8Array(HEADER + quoted.length);
  message.set([UNREACHABLE, code]);
  message.set(quoted, HEADER);
  const from = code === UNREACHABLE_CODE.network || sameAddress(destination, source) ? GATEWAY : destination;
  return wrap(message, from, source);
}

function wrap(message: Uint8Array, source: IpPacket['source'], destination: IpPacket['source']): Uint8Array {
  view(message).setUint16(2, 0);
  view(message).setUint16(2, checksum(message));
  return writeIp({ source, destination, protocol: PROTOCOL.icmp, payload: message });
}
