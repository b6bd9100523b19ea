/**
 * The sending half of a TCP connection: what is sent and not acknowledged, what may be sent, what is sent again (RFC 9293,
 * 3.8; congestion control of RFC 5681 without its refinements, as frames get lost only where a card's queue is full).
 */
import type { StateTransfer } from '../../engine/state-transfer';
import { ByteStore } from './byte-store';
import { advance, distance, MOST_SEQUENCE } from './sequence';
import type { Segment } from './tcp-segment';

/** What a segment carries to the other side. */
export interface Outgoing {
  readonly sequence: number;
  readonly payload: Uint8Array;
  readonly fin: boolean;
}

/** What an acknowledgment came to. */
export interface Acknowledged {
  /** Sequence numbers that it covers anew, and the bytes among them. */
  readonly numbers: number;
  readonly bytes: number;
  /** What seems to be lost, and is to be sent again at once. */
  readonly again?: Outgoing;
}

/** Bytes in flight at most: no window without scaling is larger. */
const MOST_IN_FLIGHT = 65_535;
/** Bytes that can wait to be sent: what the host may send before it hears that some were taken, and a little more. */
const MOST_QUEUED = 2 ** 20;
/** Acknowledgments of the same byte that tell of a lost segment. */
const DUPLICATES = 3;

export class TcpSender {
  private readonly queue = new ByteStore();
  /** SND.UNA, SND.NXT, and the number behind the last one that was ever sent. */
  private oldest: number;
  private upcoming: number;
  private highest: number;
  private finished = false;
  private finIsAcknowledged = false;
  private window = 0;
  /** The segment that the window was last taken from: SND.WL1, SND.WL2. */
  private windowFrom: { readonly sequence: number; readonly acknowledgment: number } | undefined;
  private congestionWindow = MOST_IN_FLIGHT;
  private duplicates = 0;

  /**
   * @param first number of the first byte
   * @param maximumSize bytes in a segment
   */
  constructor(
    first: number,
    public maximumSize: number,
  ) {
    this.oldest = this.upcoming = this.highest = first;
  }

  transferState(state: StateTransfer): void {
    this.maximumSize = state.integer(this.maximumSize, MOST_IN_FLIGHT, 1);
    this.queue.transferState(state, MOST_QUEUED);
    this.oldest = state.integer(this.oldest, MOST_SEQUENCE);
    this.upcoming = state.integer(this.upcoming, MOST_SEQUENCE);
    this.highest = state.integer(this.highest, MOST_SEQUENCE);
    this.finished = state.flag(this.finished);
    this.finIsAcknowledged = state.flag(this.finIsAcknowledged);
    this.window = state.integer(this.window, MOST_IN_FLIGHT);
    this.windowFrom = state.optional(this.windowFrom, (from) => ({
      sequence: state.integer(from?.sequence ?? 0, MOST_SEQUENCE),
      acknowledgment: state.integer(from?.acknowledgment ?? 0, MOST_SEQUENCE),
    }));
    this.congestionWindow = state.integer(this.congestionWindow, MOST_IN_FLIGHT);
    this.duplicates = state.integer(this.duplicates);
    const [sent, next] = [this.highest, this.upcoming].map((number) => distance(number, this.oldest));
    const isRight = next >= 0 && next <= sent && sent <= this.queue.length + Number(this.finished);
    state.require(isRight, 'what was sent of a connection is not what there is');
  }

  /** SND.NXT */
  get next(): number {
    return this.upcoming;
  }

  /** Bytes that are not acknowledged. */
  get waiting(): number {
    return this.queue.length;
  }

  /** Something was sent that is not acknowledged, or is yet to be sent. */
  get isBusy(): boolean {
    return this.queue.length > 0 || (this.finished && !this.isDone);
  }

  /** All bytes and the FIN are acknowledged. */
  get isDone(): boolean {
    return this.finIsAcknowledged;
  }

  write(bytes: Uint8Array): void {
    this.queue.push(bytes);
  }

  /** No more bytes will come. */
  finish(): void {
    this.finished = true;
  }

  /** What may be sent now; to be called until nothing comes. */
  take(): Outgoing | undefined {
    const inFlight = distance(this.upcoming, this.oldest);
    const unsent = this.queue.length - inFlight;
    if (unsent < 0 || this.isDone) return undefined; // the FIN is out, too
    const room = Math.min(this.window, this.congestionWindow) - inFlight;
    const count = Math.min(unsent, this.maximumSize, Math.max(0, room));
    const fin = this.finished && count === unsent && room > count;
    if (count === 0 && !fin) return undefined;
    // Little pieces only where nothing larger can become of them (RFC 9293, 3.8.6.2.1).
    if (count < this.maximumSize && count < unsent && inFlight > 0) return undefined;
    return this.send(inFlight, count, fin);
  }

  /**
   * Nothing was heard for too long: what is to be sent again from the oldest byte on, or to find out whether a window is
   * still shut.
   */
  retry(): Outgoing {
    this.upcoming = this.oldest;
    this.congestionWindow = this.maximumSize;
    this.duplicates = 0;
    const count = Math.min(this.queue.length, this.maximumSize, Math.max(1, this.window));
    return this.send(0, count, this.finished && count === this.queue.length);
  }

  /**
   * Takes the acknowledgment of an accepted segment, and its window.
   * @returns what came of it; undefined for an acknowledgment of what was never sent
   */
  acknowledge(segment: Segment, acknowledgment: number): Acknowledged | undefined {
    if (distance(acknowledgment, this.highest) > 0) return undefined;
    const numbers = distance(acknowledgment, this.oldest);
    if (numbers < 0) return { numbers: 0, bytes: 0 };
    const sameWindow = !this.updateWindow(segment, acknowledgment);
    if (numbers === 0) {
      const isDuplicate = sameWindow && segment.payload.length === 0 && distance(this.upcoming, this.oldest) > 0;
      const isLost = isDuplicate && ++this.duplicates === DUPLICATES;
      return { numbers: 0, bytes: 0, ...(isLost && { again: this.repair() }) };
    }
    const bytes = Math.min(numbers, this.queue.length);
    if (numbers > this.queue.length) this.finIsAcknowledged = true;
    this.queue.drop(bytes);
    this.oldest = acknowledgment;
    if (distance(this.upcoming, this.oldest) < 0) this.upcoming = this.oldest;
    this.duplicates = 0;
    this.congestionWindow = Math.min(MOST_IN_FLIGHT, this.congestionWindow + bytes);
    return { numbers, bytes };
  }

  /** @returns whether the window is another one now */
  private updateWindow({ sequence, window }: Segment, acknowledgment: number): boolean {
    const from = this.windowFrom;
    const newer = from ? distance(sequence, from.sequence) : 1;
    const isNews = newer > 0 || (newer === 0 && distance(acknowledgment, from!.acknowledgment) >= 0);
    if (!isNews) return false;
    const changed = window !== this.window;
    // What was sent to find out whether the window is still shut was not taken.
    if (this.window === 0) this.upcoming = this.oldest;
    this.window = window;
    this.windowFrom = { sequence, acknowledgment };
    return changed;
  }

  /** The segment that seems to be lost. */
  private repair(): Outgoing {
    this.congestionWindow = Math.max(2 * this.maximumSize, Math.floor(this.congestionWindow / 2));
    const sent = distance(this.highest, this.oldest);
    const count = Math.min(this.queue.length, this.maximumSize, sent);
    return {
      sequence: this.oldest,
      payload: this.queue.peek(0, count),
      fin: sent > count && count === this.queue.length,
    };
  }

  private send(offset: number, count: number, fin: boolean): Outgoing {
    const sequence = advance(this.oldest, offset);
    this.upcoming = advance(sequence, count + Number(fin));
    if (distance(this.upcoming, this.highest) > 0) this.highest = this.upcoming;
    return { sequence, payload: this.queue.peek(offset, count), fin };
  }
}
