/**
 * The receiving half of a TCP connection: puts segments in order, and says how much more may come (RFC 9293, 3.8.6; windows
 * are opened in large steps, 3.8.6.2.2).
 */
import type { StateTransfer } from '../../engine/state-transfer';
import { advance, distance, MOST_SEQUENCE } from './sequence';
import type { Segment } from './tcp-segment';
import { lengthOf, NO_BYTES } from './tcp-segment';

/** Bytes that the other side may send before they are taken; what a window without scaling can say. */
export const RECEIVE_BUFFER = 65_535;
/** A window is opened by at least so many bytes. */
const LEAST_OPENING = 4096;
/** Pieces that wait for what is missing before them; more are lost, and come again. */
const MOST_PIECES = 256;

interface Piece {
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

export class TcpReceiver {
  /** The other side has sent all, and all of it is here. */
  ended = false;

  private pieces: Piece[] = [];
  /** The number behind the last one that may come. */
  private edge: number;
  /** Where the other side's FIN is, once it has come. */
  private finAt: number | undefined;
  private untaken = 0;

  /** @param next the number that comes next: RCV.NXT */
  constructor(public next: number) {
    this.edge = advance(next, RECEIVE_BUFFER);
  }

  transferState(state: StateTransfer): void {
    this.next = state.integer(this.next, MOST_SEQUENCE);
    this.edge = state.integer(this.edge, MOST_SEQUENCE);
    this.ended = state.flag(this.ended);
    this.finAt = state.optional(this.finAt, (at) => state.integer(at ?? 0, MOST_SEQUENCE));
    this.untaken = state.integer(this.untaken, RECEIVE_BUFFER);
    this.pieces = state.list(this.pieces, MOST_PIECES, (piece) => ({
      sequence: state.integer(piece?.sequence ?? 0, MOST_SEQUENCE),
      bytes: state.bytes(piece?.bytes ?? NO_BYTES, RECEIVE_BUFFER),
    }));
    state.require(this.window >= 0 && this.window <= RECEIVE_BUFFER, 'a window is too large');
  }

  /** RCV.WND */
  get window(): number {
    return distance(this.edge, this.next);
  }

  /** Whether something of the segment lies where something is expected (RFC 9293, table 6). */
  accepts(segment: Segment): boolean {
    const { next, window } = this;
    const from = distance(segment.sequence, next);
    const length = lengthOf(segment);
    if (length === 0) return window === 0 ? from === 0 : from >= 0 && from < window;
    return window > 0 && from < window && from + length > 0;
  }

  /** Takes a segment that was accepted. @returns the bytes that are in order now */
  receive({ sequence, payload, fin }: Segment): Uint8Array[] {
    const finAt = advance(sequence, payload.length);
    if (fin && distance(this.edge, finAt) >= 0) this.finAt ??= finAt;
    this.keep(sequence, payload);
    const inOrder: Uint8Array[] = [];
    while (this.pieces.length > 0 && this.pieces[0].sequence === this.next) {
      const { bytes } = this.pieces.shift()!;
      inOrder.push(bytes);
      this.next = advance(this.next, bytes.length);
      this.untaken += bytes.length;
    }
    if (this.finAt === this.next && !this.ended) {
      this.next = advance(this.next, 1);
      // A FIN takes a number, and no room.
      this.edge = advance(this.edge, 1);
      this.ended = true;
    }
    return inOrder;
  }

  /** So many bytes were taken. @returns whether the other side should hear that it may send more */
  taken(count: number): boolean {
    this.untaken -= count;
    const edge = advance(this.next, RECEIVE_BUFFER - this.untaken);
    const opening = distance(edge, this.edge);
    if (opening < LEAST_OPENING) return false;
    const wasShut = this.window < LEAST_OPENING;
    this.edge = edge;
    return wasShut || opening >= RECEIVE_BUFFER / 2;
  }

  /** Whether something is missing before what is here. */
  get hasGap(): boolean {
    return this.pieces.length > 0;
  }

  /** Keeps what is new and expected; the kept pieces never overlap, so that they take no more than the window. */
  private keep(sequence: number, bytes: Uint8Array): void {
    let from = Math.max(0, distance(this.next, sequence));
    const end = Math.min(bytes.length, distance(this.finAt ?? this.edge, sequence));
    const fresh: Piece[] = [];
    for (const piece of [...this.pieces, undefined]) {
      const gapEnd = piece ? Math.min(end, distance(piece.sequence, sequence)) : end;
      if (gapEnd > from) fresh.push({ sequence: advance(sequence, from), bytes: bytes.slice(from, gapEnd) });
      if (piece) from = Math.max(from, distance(piece.sequence, sequence) + piece.bytes.length);
    }
    if (this.pieces.length + fresh.length > MOST_PIECES) return;
    this.pieces.push(...fresh);
    this.pieces.sort((a, b) => distance(a.sequence, b.sequence));
  }
}
