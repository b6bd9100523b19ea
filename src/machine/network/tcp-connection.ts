/**
 * A TCP connection between a guest and the gateway, which stands for a program on the host (RFC 9293, 3.10). The gateway
 * answers a guest's SYN only when the host has connected, so that a guest finds out what the host found out.
 */
import type { StateTransfer } from '../../engine/state-transfer';
import { TICKS_PER_SECOND } from './network-clock';
import { advance, distance } from './sequence';
import { TcpReceiver } from './tcp-receiver';
import type { Outgoing } from './tcp-sender';
import { TcpSender } from './tcp-sender';
import type { Segment } from './tcp-segment';
import { NO_BYTES, resetFor } from './tcp-segment';

/** Payload of an Ethernet frame without the headers of IP and TCP. */
export const MAXIMUM_SIZE = 1460;
/** Where the other side says nothing (RFC 9293, 3.7.1). */
const DEFAULT_MAXIMUM_SIZE = 536;
const LEAST_MAXIMUM_SIZE = 64;

/** Round trips take no time worth measuring, so that the least time-out is the right one (RFC 6298, 2.4). */
const FIRST_TIMEOUT = TICKS_PER_SECOND;
const LAST_TIMEOUT = 60 * TICKS_PER_SECOND;
/** Retries without any answer, before a connection counts as broken. */
const MOST_RETRIES = 8;
/** How long a closed connection is remembered. There are no old segments on the way, so that it is short. */
const TIME_WAIT = 2 * TICKS_PER_SECOND;

type State =
  /** The guest's SYN is here; the host connects. */
  | 'connecting'
  /** The host connected to the guest: SYN-SENT. */
  | 'syn-sent'
  | 'syn-received'
  /** The states from ESTABLISHED to CLOSING: what is over is known to the two halves. */
  | 'open'
  | 'time-wait'
  | 'closed';

const STATES = ['connecting', 'syn-sent', 'syn-received', 'open', 'time-wait', 'closed'] as const satisfies State[];

/** What a connection asks for. */
export interface ConnectionEvents {
  /** Sends a segment to the guest. */
  transmit(segment: Segment): void;
  /** Bytes for the host. */
  deliver(bytes: Uint8Array): void;
  /** The guest will send no more. */
  ended(): void;
  /** The guest took so many of the host's bytes. */
  taken(count: number): void;
  /** The connection is broken: the host's end of it has to go, too. */
  broken(): void;
  /** Calls `acknowledge` when the segments at hand have been taken. */
  acknowledgeSoon(): void;
  /** `deadline` was set. */
  deadlineSet(deadline: number): void;
}

export class TcpConnection {
  /** When `timeout` is to be called, in ticks of virtual time; undefined: never. */
  deadline: number | undefined;

  private state: State = 'syn-sent';
  private receiver = new TcpReceiver(0);
  private readonly sender: TcpSender;
  private maximumSize = DEFAULT_MAXIMUM_SIZE;
  private retries = 0;
  private acknowledgmentDue = false;
  /** The gateway's FIN was acknowledged before the guest's came. */
  private closedFirst = false;

  /**
   * @param ports the guest's and the gateway's
   * @param initial the number that the gateway begins with: ISS
   * @param now virtual time in ticks
   */
  constructor(
    private readonly ports: { readonly guest: number; readonly gateway: number },
    private readonly initial: number,
    private readonly now: () => number,
    private readonly events: ConnectionEvents,
  ) {
    this.sender = new TcpSender(advance(initial, 1), this.maximumSize);
  }

  /** @param syn what the guest began with; undefined: the host begins */
  begin(syn?: Segment): void {
    if (syn) {
      this.state = 'connecting';
      this.meet(syn);
    } else {
      this.transmitSyn();
    }
  }

  transferState(state: StateTransfer): void {
    this.state = state.choice(this.state, STATES);
    this.receiver.transferState(state);
    this.sender.transferState(state);
    this.maximumSize = state.integer(this.maximumSize, MAXIMUM_SIZE);
    this.retries = state.integer(this.retries, MOST_RETRIES + 1);
    this.acknowledgmentDue = state.flag(this.acknowledgmentDue);
    this.closedFirst = state.flag(this.closedFirst);
    this.deadline = state.optional(this.deadline, (deadline) => state.integer(deadline ?? 0));
  }

  get isClosed(): boolean {
    return this.state === 'closed';
  }

  /** Nothing is to come any more: it is only remembered. */
  get isOver(): boolean {
    return this.state === 'closed' || this.state === 'time-wait';
  }

  /** Whether a guest's SYN begins a new connection in place of this one (RFC 9293, 3.10.7.4, fourth step). */
  yieldsTo({ syn, sequence, acknowledgment }: Segment): boolean {
    const isNew = syn === true && acknowledgment === undefined;
    return isNew && this.state === 'time-wait' && distance(sequence, this.receiver.next) > 0;
  }

  // What the guest does.

  receive(segment: Segment): void {
    switch (this.state) {
      case 'connecting':
        if (segment.rst && segment.sequence === this.receiver.next) this.break();
        return;
      case 'syn-sent':
        this.receiveAnswer(segment);
        return;
      case 'closed':
        return;
      default:
        this.receiveInOrder(segment);
    }
  }

  /** The time at `deadline` has come. */
  timeout(): void {
    this.deadline = undefined;
    if (this.state === 'time-wait') {
      this.close();
      return;
    }
    if (this.retries++ >= MOST_RETRIES) {
      this.abort();
      return;
    }
    if (this.state === 'open') this.transmitData(this.sender.retry());
    else this.transmitSyn();
    this.startTimer();
  }

  /** Acknowledges what has come, unless something said so already. */
  acknowledge(): void {
    if (this.acknowledgmentDue) this.transmit({});
  }

  // What the host does.

  /** The connection that the guest asked for is there. */
  connected(): void {
    if (this.state !== 'connecting') return;
    this.state = 'syn-received';
    this.transmitSyn();
  }

  write(bytes: Uint8Array): void {
    this.sender.write(bytes);
    this.flush();
  }

  /** The host will send no more. */
  finish(): void {
    this.sender.finish();
    this.flush();
  }

  /** So many of the guest's bytes are with the host. */
  sent(count: number): void {
    if (this.receiver.taken(count) && this.state === 'open') this.transmit({});
  }

  /** The host's end has gone, or was never there: the guest hears that the connection is reset. */
  fail(): void {
    if (this.state === 'connecting') this.refuse();
    else if (this.state === 'open' || this.state === 'syn-received') this.transmit({ rst: true });
    else if (this.state === 'syn-sent') this.transmitReset();
    this.close();
  }

  /** Gives up on a guest that does not answer. */
  private abort(): void {
    if (this.state === 'open' || this.state === 'syn-received') this.transmit({ rst: true });
    this.break();
  }

  private break(): void {
    this.close();
    this.events.broken();
  }

  private close(): void {
    this.state = 'closed';
    this.stopTimer();
  }

  /** Takes the number that the guest begins with, and the size of segments that it takes. */
  private meet({ sequence, maximumSize = DEFAULT_MAXIMUM_SIZE }: Segment): void {
    this.receiver = new TcpReceiver(advance(sequence, 1));
    this.maximumSize = Math.min(MAXIMUM_SIZE, Math.max(LEAST_MAXIMUM_SIZE, maximumSize));
    this.sender.maximumSize = this.maximumSize;
  }

  /** To the SYN that the gateway sent (RFC 9293, 3.10.7.3). */
  private receiveAnswer(segment: Segment): void {
    const { acknowledgment, rst, syn } = segment;
    const isOurs = acknowledgment === advance(this.initial, 1);
    if (acknowledgment !== undefined && !isOurs) {
      const reset = resetFor(segment);
      if (reset) this.events.transmit(reset);
      return;
    }
    if (!isOurs) return;
    if (rst) {
      this.break();
      return;
    }
    if (!syn) return;
    this.meet(segment);
    this.sender.acknowledge(segment, acknowledgment);
    this.open();
    this.acknowledgmentDue = true;
    this.flush();
    this.acknowledge();
  }

  private receiveInOrder(segment: Segment): void {
    const { receiver } = this;
    const isProbe = receiver.window === 0 && segment.sequence === receiver.next;
    if (!receiver.accepts(segment) && !isProbe) {
      const isRepeatedSyn = segment.syn && this.state === 'syn-received';
      if (isRepeatedSyn) this.transmitSyn();
      else if (!segment.rst) this.transmit({});
      return;
    }
    if (segment.rst) {
      if (segment.sequence === receiver.next) this.break();
      else this.transmit({}); // RFC 9293, 3.10.7.4, second step: a challenge
      return;
    }
    if (segment.syn) {
      this.transmit({});
      return;
    }
    if (segment.acknowledgment === undefined) return;
    if (this.receiveAcknowledgment(segment, segment.acknowledgment)) this.receiveBytes(segment);
  }

  /** @returns whether to go on with the segment */
  private receiveAcknowledgment(segment: Segment, acknowledgment: number): boolean {
    if (this.state === 'syn-received') {
      if (acknowledgment !== advance(this.initial, 1)) {
        const reset = resetFor(segment);
        if (reset) this.events.transmit(reset);
        return false;
      }
      this.open();
    }
    const result = this.sender.acknowledge(segment, acknowledgment);
    if (!result) {
      this.transmit({});
      return false;
    }
    this.retries = 0;
    if (result.bytes > 0) this.events.taken(result.bytes);
    if (this.state !== 'open') return true;
    if (result.again) this.transmitData(result.again);
    if (result.numbers > 0) this.stopTimer();
    if (this.sender.isDone && !this.receiver.ended) this.closedFirst = true;
    this.flush();
    this.closeIfDone();
    return true;
  }

  private receiveBytes(segment: Segment): void {
    const { receiver } = this;
    if (segment.payload.length === 0 && !segment.fin) return;
    const hadEnded = receiver.ended;
    for (const bytes of receiver.receive(segment)) this.events.deliver(bytes);
    if (receiver.ended && !hadEnded) this.events.ended();
    this.acknowledgmentDue = true;
    // Each segment before which something is missing is answered, which tells the guest what to send again.
    if (receiver.hasGap || this.state === 'time-wait') this.transmit({});
    else this.events.acknowledgeSoon();
    this.closeIfDone();
  }

  private open(): void {
    this.state = 'open';
    this.retries = 0;
    this.stopTimer();
  }

  private closeIfDone(): void {
    if (this.state !== 'open' || !this.sender.isDone || !this.receiver.ended) return;
    this.acknowledge();
    if (!this.closedFirst) {
      this.close();
      return;
    }
    this.state = 'time-wait';
    this.setTimer(TIME_WAIT);
  }

  /** Sends what may be sent. */
  private flush(): void {
    if (this.state !== 'open') return;
    for (let segment = this.sender.take(); segment; segment = this.sender.take()) this.transmitData(segment);
    if (this.sender.isBusy && this.deadline === undefined) this.startTimer();
  }

  private startTimer(): void {
    this.setTimer(Math.min(LAST_TIMEOUT, FIRST_TIMEOUT * 2 ** this.retries));
  }

  private setTimer(ticks: number): void {
    this.deadline = this.now() + ticks;
    this.events.deadlineSet(this.deadline);
  }

  private stopTimer(): void {
    this.deadline = undefined;
  }

  private transmitData({ sequence, payload, fin }: Outgoing): void {
    this.transmit({ sequence, payload, fin, psh: payload.length > 0 });
  }

  private transmitSyn(): void {
    const answers = this.state === 'syn-received';
    this.events.transmit({
      ...this.blank(),
      sequence: this.initial,
      syn: true,
      maximumSize: MAXIMUM_SIZE,
      ...(answers && { acknowledgment: this.receiver.next }),
    });
    if (this.deadline === undefined) this.startTimer();
  }

  private transmit(parts: Partial<Segment>): void {
    this.acknowledgmentDue = false;
    const { next, window } = this.receiver;
    this.events.transmit({ ...this.blank(), sequence: this.sender.next, acknowledgment: next, window, ...parts });
  }

  /** Refuses what the guest asked for. */
  private refuse(): void {
    this.events.transmit({ ...this.blank(), rst: true, sequence: 0, acknowledgment: this.receiver.next, window: 0 });
  }

  /** Takes a SYN back that the guest has not answered. */
  private transmitReset(): void {
    this.events.transmit({ ...this.blank(), rst: true, sequence: advance(this.initial, 1), window: 0 });
  }

  private blank() {
    const { guest, gateway } = this.ports;
    return { sourcePort: gateway, destinationPort: guest, window: this.receiver.window, payload: NO_BYTES };
  }
}
