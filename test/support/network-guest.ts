/** A guest's end of the cable for tests: frames in and out, and a TCP of its own. */
import { DeviceClock } from '../../src/machine/devices/device-clock';
import type { DeviceTimer } from '../../src/machine/devices/device-clock';
import { GATEWAY, GATEWAY_MAC } from '../../src/machine/network/addresses';
import type { Gateway } from '../../src/machine/network/gateway';
import type { HostCommand, HostEvent, HostLink } from '../../src/machine/network/host-link';
import type { Frame, IpPacket, Ipv4 } from '../../src/machine/network/packets';
import {
  ETHER_TYPE,
  PROTOCOL,
  readFrame,
  readIp,
  readUdp,
  writeFrame,
  writeIp,
  writeUdp,
} from '../../src/machine/network/packets';
import type { Segment } from '../../src/machine/network/tcp-segment';
import { NO_BYTES, readSegment, resetFor, writeSegment } from '../../src/machine/network/tcp-segment';
import type { ConnectionEvents } from '../../src/machine/network/tcp-connection';
import { TcpConnection } from '../../src/machine/network/tcp-connection';

export const GUEST_MAC = [0x52, 0x54, 0, 0x12, 0x34, 0x56];
export const GUEST: Ipv4 = [10, 0, 2, 15];

/** Virtual time that a test moves. */
export class TestClock extends DeviceClock {
  constructor(private readonly time = { ticks: 0 }) {
    super(() => time.ticks);
  }

  /** Lets time pass, and what is due happen in order. */
  advance(ticks: number): void {
    const end = this.time.ticks + ticks;
    while (this.next <= end) {
      this.time.ticks = Math.max(this.next, this.time.ticks);
      this.runDue();
    }
    this.time.ticks = end;
  }
}

/** The host's side, which a test plays. */
export class TestLink implements HostLink {
  readonly commands: HostCommand[] = [];
  tell: (event: HostEvent) => void = () => {};

  send(command: HostCommand): void {
    this.commands.push(command);
  }

  attach(receive: (event: HostEvent) => void): void {
    this.tell = receive;
  }

  /** What was asked since the last time, in short. */
  take(): string[] {
    return this.commands.splice(0).map((command) => {
      const number = 'stream' in command ? command.stream : 'flow' in command ? command.flow : '';
      const more = 'bytes' in command ? Buffer.from(command.bytes).toString() : 'count' in command ? command.count : '';
      return `${command.kind} ${number}${'port' in command ? ` :${command.port}` : ''} ${more}`.trim();
    });
  }
}

/** What the owner of a connection does when its timer is due: deadlines may have been put off or dropped. */
export function onTime(connection: TcpConnection, clock: DeviceClock, timer: DeviceTimer): void {
  const { deadline } = connection;
  if (deadline === undefined) return;
  if (deadline <= clock.now) connection.timeout();
  else timer.start(deadline);
}

/** A plain end of the cable: what is sent and what came, as packets. */
export class PacketGuest {
  readonly packets: IpPacket[] = [];
  readonly frames: Frame[] = [];
  /** Answers ARP requests, as any guest does. */
  answersArp = true;

  constructor(
    readonly gateway: Gateway,
    readonly clock: TestClock = new TestClock(),
  ) {
    gateway.connect(clock);
    gateway.onFrame = (frame) => this.take(frame.slice());
  }

  get segments(): Segment[] {
    return this.packets.flatMap((packet) => (packet.protocol === PROTOCOL.tcp ? [readSegment(packet)!] : []));
  }

  sendFrame(type: number, payload: Uint8Array): void {
    this.gateway.send(writeFrame({ destination: GATEWAY_MAC, source: GUEST_MAC, type, payload }));
  }

  sendSegment(segment: Partial<Segment>, destination = GATEWAY): void {
    const whole = { sourcePort: 1000, destinationPort: 80, sequence: 0, window: 65_535, payload: NO_BYTES, ...segment };
    this.sendFrame(ETHER_TYPE.ipv4, writeSegment({ source: GUEST, destination }, whole));
  }

  sendDatagram(sourcePort: number, destinationPort: number, payload: Uint8Array, destination = GATEWAY): void {
    const path = { source: GUEST, destination };
    const datagram = writeUdp({ sourcePort, destinationPort, payload }, path);
    this.sendFrame(ETHER_TYPE.ipv4, writeIp({ ...path, protocol: PROTOCOL.udp, payload: datagram }));
  }

  /** The datagrams that came, as `source port → destination port: text`. */
  get datagrams(): string[] {
    return this.packets
      .filter(({ protocol }) => protocol === PROTOCOL.udp)
      .map(({ payload }) => readUdp(payload)!)
      .map(({ sourcePort, destinationPort, payload }) => `${sourcePort} → ${destinationPort}: ${text(payload)}`);
  }

  protected take(bytes: Uint8Array): void {
    const frame = readFrame(bytes)!;
    this.frames.push(frame);
    if (frame.type === ETHER_TYPE.arp && this.answersArp) this.answerArp(frame.payload);
    const packet = frame.type === ETHER_TYPE.ipv4 ? readIp(frame.payload) : undefined;
    if (packet) this.takePacket(packet);
  }

  protected takePacket(packet: IpPacket): void {
    this.packets.push(packet);
  }

  private answerArp(payload: Uint8Array): void {
    if (payload[7] !== 1 || payload[27] !== GUEST[3]) return;
    const reply = [0, 1, 8, 0, 6, 4, 0, 2, ...GUEST_MAC, ...GUEST, ...payload.subarray(8, 18)];
    this.sendFrame(ETHER_TYPE.arp, Uint8Array.from(reply));
  }
}

/** A program of the guest's at one of its connections. */
export interface GuestStream {
  readonly connection: TcpConnection;
  readonly received: Uint8Array[];
  ended: boolean;
  broken: boolean;
}

/** A guest with programs that connect and listen. What the gateway sends is taken at the next `pump`. */
export class TcpGuest extends PacketGuest {
  readonly listening = new Map<number, (stream: GuestStream) => void>();
  private readonly streams = new Map<string, GuestStream>();
  private readonly incoming: IpPacket[] = [];
  private made = 0;

  connect(port: number): GuestStream {
    return this.add(20_000 + this.made, port);
  }

  /** Handles what has come, until nothing more comes. */
  pump(): void {
    this.gateway.deliver();
    for (let packet = this.incoming.shift(); packet; packet = this.incoming.shift()) {
      const segment = packet.protocol === PROTOCOL.tcp ? readSegment(packet) : undefined;
      if (segment) this.receive(segment);
      if (this.incoming.length === 0) this.clock.advance(10);
      this.gateway.deliver();
    }
  }

  protected override takePacket(packet: IpPacket): void {
    this.incoming.push(packet);
  }

  private receive(segment: Segment): void {
    const key = `${segment.destinationPort} ${segment.sourcePort}`;
    const known = this.streams.get(key);
    if (known) {
      known.connection.receive(segment);
      return;
    }
    const listener = segment.syn ? this.listening.get(segment.destinationPort) : undefined;
    if (!listener) {
      const reset = resetFor(segment);
      if (reset) this.sendSegment(reset);
      return;
    }
    const stream = this.add(segment.destinationPort, segment.sourcePort, segment);
    stream.connection.connected();
    listener(stream);
  }

  private add(own: number, other: number, syn?: Segment): GuestStream {
    const timer: DeviceTimer = this.clock.timer(() => onTime(connection, this.clock, timer));
    const received: Uint8Array[] = [];
    const events: ConnectionEvents = {
      transmit: (segment) => this.sendSegment(segment),
      deliver: (bytes) => {
        received.push(bytes);
        stream.connection.sent(bytes.length);
      },
      ended: () => (stream.ended = true),
      taken: () => undefined,
      broken: () => (stream.broken = true),
      acknowledgeSoon: () => stream.connection.acknowledge(),
      deadlineSet: (deadline) => timer.start(deadline),
    };
    const stream = { received, ended: false, broken: false } as GuestStream & { connection: TcpConnection };
    const ports = { guest: other, gateway: own };
    this.made++;
    const connection: TcpConnection = new TcpConnection(ports, this.made * 7_777_777, () => this.clock.now, events);
    stream.connection = connection;
    this.streams.set(`${own} ${other}`, stream);
    connection.begin(syn);
    return stream;
  }
}

export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
