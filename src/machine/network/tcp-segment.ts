/** TCP segments: reading and writing them (RFC 9293, 3.1). */
import type { IpPacket, Path } from './packets';
import { PROTOCOL, transportChecksum, view, writeIp } from './packets';

export interface Segment {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  /** Undefined without the flag ACK. */
  readonly acknowledgment?: number;
  readonly syn?: boolean;
  readonly fin?: boolean;
  readonly rst?: boolean;
  readonly psh?: boolean;
  /** Bytes that the sender takes. */
  readonly window: number;
  /** The largest payload that the sender takes, where it says so. */
  readonly maximumSize?: number;
  readonly payload: Uint8Array;
}

export const NO_BYTES = new Uint8Array(0);

const HEADER = 20;
const FLAG = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 } as const;
const OPTION = { end: 0, nothing: 1, maximumSize: 2 } as const;

/** What it takes of the sequence space: its bytes, SYN and FIN. */
export function lengthOf({ payload, syn, fin }: Segment): number {
  return payload.length + Number(syn ?? false) + Number(fin ?? false);
}

/** Undefined for what is damaged. */
export function readSegment({ source, destination, payload: bytes }: IpPacket): Segment | undefined {
  if (bytes.length < HEADER) return undefined;
  const fields = view(bytes);
  const header = 4 * (bytes[12] >>> 4);
  if (header < HEADER || header > bytes.length) return undefined;
  if (transportChecksum(source, destination, PROTOCOL.tcp, bytes) !== 0) return undefined;
  const flags = bytes[13];
  const maximumSize = readMaximumSize(bytes.subarray(HEADER, header));
  return {
    sourcePort: fields.getUint16(0),
    destinationPort: fields.getUint16(2),
    sequence: fields.getUint32(4),
    ...(flags & FLAG.ack && { acknowledgment: fields.getUint32(8) }),
    syn: (flags & FLAG.syn) !== 0,
    fin: (flags & FLAG.fin) !== 0,
    rst: (flags & FLAG.rst) !== 0,
    psh: (flags & FLAG.psh) !== 0,
    window: fields.getUint16(14),
    ...(maximumSize !== undefined && { maximumSize }),
    payload: bytes.subarray(header),
  };
}

function readMaximumSize(options: Uint8Array): number | undefined {
  for (let at = 0; at < options.length && options[at] !== OPTION.end;) {
    if (options[at] === OPTION.nothing) {
      at++;
      continue;
    }
    const length = options[at + 1] ?? 0;
    if (length < 2 || at + length > options.length) return undefined;
    if (options[at] === OPTION.maximumSize && length === 4) return view(options).getUint16(at + 2);
    at += length;
  }
  return undefined;
}

/** The IP packet with the segment in it. */
export function writeSegment({ source, destination }: Path, segment: Segment): Uint8Array {
  const { payload, maximumSize, acknowledgment } = segment;
  const header = HEADER + (maximumSize === undefined ? 0 : 4);
  const bytes = new Uint8Array(header + payload.length);
  const fields = view(bytes);
  fields.setUint16(0, segment.sourcePort);
  fields.setUint16(2, segment.destinationPort);
  fields.setUint32(4, segment.sequence);
  fields.setUint32(8, acknowledgment ?? 0);
  bytes[12] = (header / 4) << 4;
  bytes[13] =
    (segment.fin ? FLAG.fin : 0) |
    (segment.syn ? FLAG.syn : 0) |
    (segment.rst ? FLAG.rst : 0) |
    (segment.psh ? FLAG.psh : 0) |
    (acknowledgment === undefined ? 0 : FLAG.ack);
  fields.setUint16(14, segment.window);
  if (maximumSize !== undefined) bytes.set([OPTION.maximumSize, 4, maximumSize >>> 8, maximumSize & 0xff], HEADER);
  bytes.set(payload, header);
  fields.setUint16(16, transportChecksum(source, destination, PROTOCOL.tcp, bytes));
  return writeIp({ source, destination, protocol: PROTOCOL.tcp, payload: bytes });
}

/** What answers a segment that belongs to no connection (RFC 9293, 3.10.7.1). Nothing answers a reset. */
export function resetFor(segment: Segment): Segment | undefined {
  if (segment.rst) return undefined;
  const { acknowledgment } = segment;
  return {
    sourcePort: segment.destinationPort,
    destinationPort: segment.sourcePort,
    rst: true,
    sequence: acknowledgment ?? 0,
    ...(acknowledgment === undefined && { acknowledgment: (segment.sequence + lengthOf(segment)) >>> 0 }),
    window: 0,
    payload: NO_BYTES,
  };
}
