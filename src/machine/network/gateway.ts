/**
 * The network that a guest finds at the end of its cable, with the addresses of QEMU's user-mode network: a gateway that
 * answers ARP, pings, DHCP and questions for names, and leads to those ports of the host's loopback, and from them, that
 * the configuration opens. Everything else is refused, so that no program waits for an answer.
 */
import type { StateTransfer } from '../../engine/state-transfer';
import {
  BROADCAST,
  CLIENT,
  EVERYBODY,
  GATEWAY,
  GATEWAY_MAC,
  isGuests,
  isOurs,
  isUnicast,
  MASK,
  NAME_SERVER,
} from './addresses';
import { Neighbours } from './arp';
import { CLIENT_PORT, SERVER_PORT, answerDhcp } from './dhcp';
import type { Lease } from './dhcp';
import { answerQuestion, NAME_PORT } from './dns';
import { HostEventQueue } from './host-event-queue';
import type { HostLink, NetworkRules } from './host-link';
import { NO_RULES } from './host-link';
import { echoReply, isEchoRequest, unreachable, UNREACHABLE_CODE } from './icmp';
import type { NetworkClock } from './network-clock';
import type { Lan } from './lan';
import type { Datagram, Frame, IpPacket, Ipv4 } from './packets';
import {
  address,
  ETHER_TYPE,
  isChecksumRight,
  PROTOCOL,
  readFrame,
  readIp,
  readUdp,
  sameAddress,
  writeFrame,
  writeIp,
  writeUdp,
} from './packets';
import { PortNumbers } from './port-numbers';
import { Tcp } from './tcp';
import { Udp } from './udp';

const LEASE: Omit<Lease, 'client'> = {
  server: GATEWAY,
  mask: MASK,
  router: GATEWAY,
  nameServer: NAME_SERVER,
  seconds: 86_400,
};

export interface GatewayOptions {
  /** What is open; nothing unless said otherwise. */
  readonly rules?: NetworkRules;
  /** The host's sockets; needed where something is open. */
  readonly host?: HostLink;
  /** What the guest gets by DHCP, and where forwarded ports lead; 10.0.2.15 unless said otherwise. */
  readonly client?: Ipv4;
  /** A network with other guests; without it the guest is alone with the gateway. */
  readonly lan?: Lan;
}

export class Gateway {
  /** Takes what the gateway sends to the guest. */
  onFrame: (frame: Uint8Array) => void = () => {};
  /** Something from the host waits to be delivered. */
  onHostEvent: () => void = () => {};

  private readonly neighbours = new Neighbours((frame) => this.onFrame(frame));
  private readonly rules: NetworkRules;
  private readonly client: Ipv4;
  /** Sends a frame to the other guests. */
  private readonly toOthers: ((frame: Uint8Array) => void) | undefined;
  private readonly host: HostLink | undefined;
  private readonly events = new HostEventQueue();
  private services: { readonly ports: PortNumbers; readonly tcp: Tcp; readonly udp: Udp } | undefined;

  constructor({ rules = NO_RULES, host, client = CLIENT, lan }: GatewayOptions = {}) {
    this.rules = rules;
    this.client = client;
    this.toOthers = lan?.plugIn((frame) => this.onFrame(frame));
    this.host = host;
  }

  /** Begins to work, in virtual time. */
  connect(clock: NetworkClock): void {
    const around = {
      rules: this.rules,
      client: this.client,
      clock,
      ports: new PortNumbers(),
      send: this.neighbours.deliver.bind(this.neighbours),
      command: (command: Parameters<HostLink['send']>[0]) => this.host?.send(command),
    };
    this.services = { ports: around.ports, tcp: new Tcp(around), udp: new Udp(around) };
  }

  /** From now on the host's sockets lead here. */
  attach(): void {
    this.host?.attach((event) => {
      this.events.push(event);
      this.onHostEvent();
    });
  }

  /** What the host has with the guest is no part of it: it ends when a snapshot is restored, and the guest is told. */
  transferState(state: StateTransfer): void {
    this.neighbours.transferState(state);
    const { services } = this;
    if (!services) return;
    services.ports.transferState(state);
    services.tcp.transferState(state);
    services.udp.transferState(state);
    if (!state.isRestoring) return;
    this.events.clear();
    this.host?.send({ kind: 'restart', streams: services.tcp.streams });
  }

  /** Whether the program may wait for the host's world, in which time is real. */
  get awaitsHost(): boolean {
    const { rules, services } = this;
    return rules.forward.length > 0 || (services !== undefined && services.tcp.open + services.udp.open > 0);
  }

  /**
   * Takes what the host has told since the last time. Only here does anything from outside get in, so that an execution is
   * a function of the events and the instruction counts of these calls.
   */
  deliver(): void {
    for (let event = this.events.shift(); event; event = this.events.shift()) {
      if (event.kind === 'datagram') this.services?.udp.hear(event);
      else this.services?.tcp.hear(event);
    }
  }

  /** Takes a frame from the guest, and answers it at once if at all. What is damaged or not for the gateway is ignored. */
  send(bytes: Uint8Array): void {
    const frame = readFrame(bytes);
    if (!frame) return;
    if (this.toOthers && !isOnlyForGateway(frame)) this.toOthers(bytes);
    if (!isForGateway(frame)) return;
    if (frame.type === ETHER_TYPE.arp) this.neighbours.receive(frame.payload);
    if (frame.type === ETHER_TYPE.ipv4) this.receiveIp(frame);
  }

  private receiveIp({ source, payload }: Frame): void {
    const packet = readIp(payload);
    if (!packet) return;
    this.neighbours.learn(packet.source, source);
    switch (packet.protocol) {
      case PROTOCOL.icmp:
        this.receiveIcmp(packet, payload);
        break;
      case PROTOCOL.tcp:
        if (isGuests(packet.source) && isUnicast(packet.destination)) this.services?.tcp.receive(packet);
        break;
      case PROTOCOL.udp:
        this.receiveUdp(packet, payload);
        break;
      default:
        this.refuse(packet, payload, UNREACHABLE_CODE.protocol);
    }
  }

  private receiveIcmp(packet: IpPacket, bytes: Uint8Array): void {
    if (!isEchoRequest(packet)) return;
    if (isOurs(packet.destination)) this.neighbours.deliver(packet.source, echoReply(packet));
    else this.refuse(packet, bytes, UNREACHABLE_CODE.network);
  }

  private receiveUdp(packet: IpPacket, bytes: Uint8Array): void {
    const datagram = readUdp(packet.payload);
    if (!datagram || !isChecksumRight(packet)) return;
    const { destination, source } = packet;
    if (datagram.destinationPort === SERVER_PORT && (sameAddress(destination, BROADCAST) || isOurs(destination))) {
      this.answerDhcp(datagram);
    } else if (datagram.destinationPort === NAME_PORT && sameAddress(destination, NAME_SERVER)) {
      this.answerQuestion(packet, datagram);
    } else {
      const isOpen = isGuests(source) && sameAddress(destination, GATEWAY);
      if (!isOpen || !this.services?.udp.receive(source, datagram)) this.refuse(packet, bytes, UNREACHABLE_CODE.port);
    }
  }

  private answerDhcp({ payload: message }: Datagram): void {
    const answer = answerDhcp(message, { ...LEASE, client: this.client });
    if (!answer) return;
    const path = { source: GATEWAY, destination: BROADCAST };
    const payload = writeUdp({ sourcePort: SERVER_PORT, destinationPort: CLIENT_PORT, payload: answer }, path);
    const packet = writeIp({ ...path, protocol: PROTOCOL.udp, payload });
    this.onFrame(writeFrame({ destination: EVERYBODY, source: GATEWAY_MAC, type: ETHER_TYPE.ipv4, payload: packet }));
  }

  private answerQuestion({ source }: IpPacket, { sourcePort, payload: question }: Datagram): void {
    const answer = answerQuestion(question);
    if (!answer) return;
    const path = { source: NAME_SERVER, destination: source };
    const payload = writeUdp({ sourcePort: NAME_PORT, destinationPort: sourcePort, payload: answer }, path);
    this.neighbours.deliver(source, writeIp({ ...path, protocol: PROTOCOL.udp, payload }));
  }

  private refuse(packet: IpPacket, bytes: Uint8Array, code: Parameters<typeof unreachable>[2]): void {
    const isElsewhere = !isOurs(packet.destination);
    const answer = unreachable(packet, bytes, isElsewhere ? UNREACHABLE_CODE.network : code);
    if (answer) this.neighbours.deliver(packet.source, answer);
  }
}

/** Whether nobody else on the network has to do with a frame: it is the gateway's, or a question that it answers. */
function isOnlyForGateway({ destination, type, payload }: Frame): boolean {
  if (sameAddress(destination, GATEWAY_MAC)) return true;
  if (type === ETHER_TYPE.arp) return payload.length >= 28 && isOurs(address(payload, 24));
  const packet = type === ETHER_TYPE.ipv4 ? readIp(payload) : undefined;
  return packet?.protocol === PROTOCOL.udp && readUdp(packet.payload)?.destinationPort === SERVER_PORT;
}

function isForGateway({ destination }: Frame): boolean {
  const isGroup = (destination[0] & 1) !== 0;
  return isGroup || sameAddress(destination, GATEWAY_MAC);
}
