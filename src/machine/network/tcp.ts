/** The gateway's TCP: which connections there are, which may come to be, and who hears of what. */
import type { StateTransfer } from '../../engine/state-transfer';
import { GATEWAY } from './addresses';
import type { Forward, HostCommand, HostEvent, NetworkRules } from './host-link';
import type { IpPacket, Ipv4 } from './packets';
import { sameAddress, transferAddress } from './packets';
import type { PortNumbers } from './port-numbers';
import { MOST_PORT } from './port-numbers';
import { MOST_SEQUENCE } from './sequence';
import type { Segment } from './tcp-segment';
import { readSegment, resetFor, writeSegment } from './tcp-segment';
import { TcpConnection } from './tcp-connection';
import type { NetworkClock, NetworkTimer } from './network-clock';

/** Connections of one guest at a time; more are refused. */
export const MOST_CONNECTIONS = 256;

/** How far apart the numbers lie that connections begin with. Nobody is to be kept from guessing them. */
const INITIAL_STEP = 64_021;

interface Entry {
  readonly key: string;
  readonly stream: number;
  readonly guest: Ipv4;
  readonly ports: Ports;
  /** The number that the gateway began with. */
  readonly initial: number;
  readonly connection: TcpConnection;
}

interface Ports {
  readonly guest: number;
  readonly gateway: number;
}

/** What the service is connected to. */
export interface TcpSurroundings {
  readonly rules: NetworkRules;
  /** Where forwarded ports lead. */
  readonly client: Ipv4;
  readonly clock: NetworkClock;
  readonly ports: PortNumbers;
  /** Sends an IP packet to the guest that has the address. */
  send(target: Ipv4, packet: Uint8Array): void;
  command(command: HostCommand): void;
}

type StreamEvent = Extract<HostEvent, { readonly stream: number }>;

export class Tcp {
  private readonly byKey = new Map<string, Entry>();
  private readonly byStream = new Map<number, Entry>();
  private readonly toAcknowledge = new Set<TcpConnection>();
  private readonly timer: NetworkTimer;
  private readonly acknowledgmentTimer: NetworkTimer;
  private made = 0;

  constructor(private readonly around: TcpSurroundings) {
    this.timer = around.clock.timer(() => this.runDue());
    this.acknowledgmentTimer = around.clock.timer(() => this.acknowledge());
  }

  transferState(state: StateTransfer): void {
    this.made = state.integer(this.made);
    const entries = state.list(this.byKey.values(), MOST_CONNECTIONS, (entry) => this.transferEntry(state, entry));
    const open = new Set(this.byStream.keys());
    const streams = state.list(open, MOST_CONNECTIONS, (stream) => state.integer(stream ?? 0));
    const waiting = [...this.toAcknowledge].map((connection) =>
      entries.findIndex((entry) => entry.connection === connection),
    );
    const indices = state.list(
      waiting.filter((index) => index >= 0),
      MOST_CONNECTIONS,
      (index) => state.integer(index ?? 0, entries.length - 1),
    );
    this.timer.transferState(state);
    this.acknowledgmentTimer.transferState(state);
    if (!state.isRestoring) return;
    this.byKey.clear();
    this.byStream.clear();
    this.toAcknowledge.clear();
    for (const entry of entries) this.byKey.set(entry.key, entry);
    for (const entry of entries) if (streams.includes(entry.stream)) this.byStream.set(entry.stream, entry);
    for (const index of indices) this.toAcknowledge.add(entries[index].connection);
    state.require(this.byKey.size === entries.length, 'two connections have the same ports');
  }

  /** Streams of the host's that belong to connections. */
  get streams(): readonly number[] {
    return [...this.byStream.keys()];
  }

  /** Connections that are with the host. */
  get open(): number {
    return this.byStream.size;
  }

  /** Takes a packet from the guest. */
  receive(packet: IpPacket): void {
    const segment = readSegment(packet);
    if (!segment) return;
    const key = keyOf(packet.source, segment.sourcePort, segment.destinationPort);
    const isForGateway = sameAddress(packet.destination, GATEWAY);
    let entry = isForGateway ? this.byKey.get(key) : undefined;
    if (entry?.connection.yieldsTo(segment)) {
      this.forget(entry);
      entry = undefined;
    }
    if (entry) {
      entry.connection.receive(segment);
      this.tidy(entry);
      return;
    }
    if (isForGateway && this.begin(packet.source, segment)) return;
    const reset = resetFor(segment);
    if (reset) this.transmit(packet.destination, packet.source, reset);
  }

  /** Something happened to a stream of the host's. */
  hear(event: StreamEvent): void {
    if (event.kind === 'accepted') {
      this.accept(event.stream, event.forward);
      return;
    }
    const entry = this.byStream.get(event.stream);
    if (!entry) return;
    const { connection } = entry;
    switch (event.kind) {
      case 'connected':
        connection.connected();
        break;
      case 'data':
        connection.write(event.bytes);
        break;
      case 'sent':
        connection.sent(event.count);
        break;
      case 'ended':
        connection.finish();
        break;
      case 'failed':
        this.byStream.delete(event.stream);
        connection.fail();
    }
    this.tidy(entry);
  }

  private transferEntry(state: StateTransfer, old: Entry | undefined): Entry {
    const stream = state.integer(old?.stream ?? 0);
    const guest = transferAddress(state, old?.guest);
    const ports = {
      guest: state.integer(old?.ports.guest ?? 0, MOST_PORT),
      gateway: state.integer(old?.ports.gateway ?? 0, MOST_PORT),
    };
    const initial = state.integer(old?.initial ?? 0, MOST_SEQUENCE);
    const entry = old && !state.isRestoring ? old : this.make(stream, guest, ports, initial);
    entry.connection.transferState(state);
    return entry;
  }

  /** A guest's SYN, where the configuration lets it through. */
  private begin(guest: Ipv4, segment: Segment): boolean {
    const { rules, command } = this.around;
    const isSyn = segment.syn && segment.acknowledgment === undefined && !segment.rst && !segment.fin;
    const rule = rules.reach.find(({ protocol, gateway }) => protocol === 'tcp' && gateway === segment.destinationPort);
    if (!isSyn || !rule || !this.hasRoom()) return false;
    const stream = 2 * this.made;
    const { sourcePort, destinationPort } = segment;
    this.add(stream, guest, { guest: sourcePort, gateway: destinationPort }, segment);
    command({ kind: 'connect', stream, port: rule.host });
    return true;
  }

  private accept(stream: number, forward: Forward): void {
    const port = this.hasRoom()
      ? this.around.ports.take((port) => !this.byKey.has(keyOf(this.around.client, forward.guest, port)))
      : 0;
    if (port === 0) {
      this.around.command({ kind: 'abort', stream });
      return;
    }
    this.add(stream, this.around.client, { guest: forward.guest, gateway: port });
  }

  /** Connections that are only remembered make room for new ones. */
  private hasRoom(): boolean {
    if (this.byKey.size < MOST_CONNECTIONS) return true;
    const over = [...this.byKey.values()].find(({ connection }) => connection.isOver);
    if (over) this.forget(over);
    return over !== undefined;
  }

  private add(stream: number, guest: Ipv4, ports: Ports, syn?: Segment): void {
    const initial = Math.imul(++this.made, INITIAL_STEP) >>> 0;
    const entry = this.make(stream, guest, ports, initial);
    this.byKey.set(entry.key, entry);
    this.byStream.set(stream, entry);
    entry.connection.begin(syn);
  }

  private make(stream: number, guest: Ipv4, ports: Ports, initial: number): Entry {
    const { clock, command } = this.around;
    const connection: TcpConnection = new TcpConnection(ports, initial, () => clock.now, {
      transmit: (segment) => this.transmit(GATEWAY, guest, segment),
      deliver: (bytes) => command({ kind: 'send', stream, bytes }),
      ended: () => command({ kind: 'end', stream }),
      taken: (count) => command({ kind: 'taken', stream, count }),
      broken: () => {
        if (this.byStream.delete(stream)) command({ kind: 'abort', stream });
      },
      acknowledgeSoon: () => {
        this.toAcknowledge.add(connection);
        this.acknowledgmentTimer.start(clock.now + 1);
      },
      deadlineSet: (deadline) => this.bringForward(deadline),
    });
    return { key: keyOf(guest, ports.guest, ports.gateway), stream, guest, ports, initial, connection };
  }

  private tidy(entry: Entry): void {
    if (entry.connection.isOver) this.byStream.delete(entry.stream);
    if (entry.connection.isClosed) this.forget(entry);
  }

  private forget({ key, stream }: Entry): void {
    this.byKey.delete(key);
    this.byStream.delete(stream);
  }

  private acknowledge(): void {
    for (const connection of this.toAcknowledge) connection.acknowledge();
    this.toAcknowledge.clear();
  }

  /** The timer is never put off: an early call finds nothing due, and sets it anew. */
  private bringForward(deadline: number): void {
    if (deadline < (this.timer.due ?? Infinity)) this.timer.start(deadline);
  }

  private runDue(): void {
    const { now } = this.around.clock;
    for (const entry of [...this.byKey.values()]) {
      if ((entry.connection.deadline ?? Infinity) > now) continue;
      entry.connection.timeout();
      this.tidy(entry);
    }
    for (const { connection } of this.byKey.values()) this.bringForward(connection.deadline ?? Infinity);
  }

  private transmit(source: Ipv4, destination: Ipv4, segment: Segment): void {
    this.around.send(destination, writeSegment({ source, destination }, segment));
  }
}

function keyOf(guest: Ipv4, guestPort: number, gatewayPort: number): string {
  return `${guest.join('.')}:${guestPort} ${gatewayPort}`;
}
