/** Ethernet frames, IPv4 packets and UDP datagrams: reading and writing them (RFC 894, 791, 768). */

import type { StateTransfer } from '../../engine/state-transfer';

export type Ipv4 = readonly [number, number, number, number];
export type Mac = readonly number[];

export const ETHER_TYPE = { ipv4: 0x0800, arp: 0x0806 } as const;
export const PROTOCOL = { icmp: 1, tcp: 6, udp: 17 } as const;

const ETHERNET_HEADER = 14;
const IPV4_HEADER = 20;
const UDP_HEADER = 8;
const TIME_TO_LIVE = 64;

export interface Frame {
  readonly destination: Mac;
  readonly source: Mac;
  readonly type: number;
  readonly payload: Uint8Array;
}

export interface IpPacket {
  readonly source: Ipv4;
  readonly destination: Ipv4;
  readonly protocol: number;
  readonly payload: Uint8Array;
}

/** Who sends to whom. */
export interface Path {
  readonly source: Ipv4;
  readonly destination: Ipv4;
}

export interface Datagram {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
}

export function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function sameAddress(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** Undefined for what is too short to be a frame. */
export function readFrame(bytes: Uint8Array): Frame | undefined {
  if (bytes.length < ETHERNET_HEADER) return undefined;
  return {
    destination: [...bytes.subarray(0, 6)],
    source: [...bytes.subarray(6, 12)],
    type: view(bytes).getUint16(12),
    payload: bytes.subarray(ETHERNET_HEADER),
  };
}

export function writeFrame({ destination, source, type, payload }: Frame): Uint8Array {
  const bytes = new Uint8Array(ETHERNET_HEADER + payload.length);
  bytes.set(destination, 0);
  bytes.set(source, 6);
  view(bytes).setUint16(12, type);
  bytes.set(payload, ETHERNET_HEADER);
  return bytes;
}

/** Undefined for what is damaged, and for fragments, which nobody here puts together. */
export function readIp(bytes: Uint8Array): IpPacket | undefined {
  if (bytes.length < IPV4_HEADER || bytes[0] >>> 4 !== 4) return undefined;
  const header = 4 * (bytes[0] & 15);
  const length = view(bytes).getUint16(2);
  if (header < IPV4_HEADER || length < header || length > bytes.length) return undefined;
  if (checksum(bytes.subarray(0, header)) !== 0) return undefined;
  const [moreFragments, offset] = [0x2000, 0x1fff];
  if (view(bytes).getUint16(6) & (moreFragments | offset)) return undefined;
  return {
    source: address(bytes, 12),
    destination: address(bytes, 16),
    protocol: bytes[9],
    payload: bytes.subarray(header, length),
  };
}

export function writeIp({ source, destination, protocol, payload }: IpPacket): Uint8Array {
  const bytes = new Uint8Array(IPV4_HEADER + payload.length);
  const fields = view(bytes);
  bytes[0] = 0x45;
  fields.setUint16(2, bytes.length);
  bytes[8] = TIME_TO_LIVE;
  bytes[9] = protocol;
  bytes.set(source, 12);
  bytes.set(destination, 16);
  fields.setUint16(10, checksum(bytes.subarray(0, IPV4_HEADER)));
  bytes.set(payload, IPV4_HEADER);
  return bytes;
}

/** Undefined for what is cut off. */
export function readUdp(bytes: Uint8Array): Datagram | undefined {
  if (bytes.length < UDP_HEADER) return undefined;
  const fields = view(bytes);
  const length = fields.getUint16(4);
  if (length < UDP_HEADER || length > bytes.length) return undefined;
  return {
    sourcePort: fields.getUint16(0),
    destinationPort: fields.getUint16(2),
    payload: bytes.subarray(UDP_HEADER, length),
  };
}

export function writeUdp({ sourcePort, destinationPort, payload }: Datagram, path: Path): Uint8Array {
  const bytes = new Uint8Array(UDP_HEADER + payload.length);
  const fields = view(bytes);
  fields.setUint16(0, sourcePort);
  fields.setUint16(2, destinationPort);
  fields.setUint16(4, bytes.length);
  bytes.set(payload, UDP_HEADER);
  const sum = transportChecksum(path.source, path.destination, PROTOCOL.udp, bytes);
  fields.setUint16(6, sum === 0 ? 0xffff : sum);
  return bytes;
}

/** Whether the checksum of a UDP packet is right, or left out, which IPv4 allows. The packet is not cut off. */
export function isChecksumRight({ source, destination, protocol, payload }: IpPacket): boolean {
  const bytes = payload.subarray(0, view(payload).getUint16(4));
  return view(bytes).getUint16(6) === 0 || transportChecksum(source, destination, protocol, bytes) === 0;
}

/** The checksum of TCP and UDP, which covers the addresses too (RFC 9293, 3.1). */
export function transportChecksum(source: Ipv4, destination: Ipv4, protocol: number, bytes: Uint8Array): number {
  const header = [...source, ...destination, 0, protocol, bytes.length >>> 8, bytes.length & 0xff];
  let sum = 0;
  for (let i = 0; i < header.length; i += 2) sum += (header[i] << 8) | header[i + 1];
  return checksum(bytes, sum);
}

/** The internet checksum (RFC 1071); over data that holds its own checksum it is 0. */
export function checksum(bytes: Uint8Array, start = 0): number {
  let sum = start;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  return ~sum & 0xffff;
}

export function transferAddress(state: StateTransfer, value: Ipv4 | undefined): Ipv4 {
  return address(state.bytes(Uint8Array.from(value ?? []), 4, 4), 0);
}

export function address(bytes: Uint8Array, offset: number): Ipv4 {
  return [bytes[offset], bytes[offset + 1], bytes[offset + 2], bytes[offset + 3]];
}
