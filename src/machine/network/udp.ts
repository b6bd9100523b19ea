/** The gateway's UDP: flows between ports of the guest and ports of the host's loopback (RFC 768). */
import type { StateTransfer } from '../../engine/state-transfer';
import { GATEWAY } from './addresses';
import type { Forward, HostCommand, HostEvent, NetworkRules } from './host-link';
import type { NetworkClock, NetworkTimer } from './network-clock';
import { TICKS_PER_SECOND } from './network-clock';
import type { Datagram, Ipv4 } from './packets';
import { PROTOCOL, transferAddress, writeIp, writeUdp } from './packets';
import type { PortNumbers } from './port-numbers';
import { MOST_PORT } from './port-numbers';

/** Flows of one guest at a time; beyond them the one that was quiet longest is closed. */
export const MOST_FLOWS = 64;
/** How long a flow is kept in which nothing happens. */
const QUIET = 30 * TICKS_PER_SECOND;
/** The most that a packet without fragments carries. */
const LARGEST_PAYLOAD = 1472;

interface Flow {
  readonly key: string;
  readonly number: number;
  readonly guest: Ipv4;
  readonly guestPort: number;
  readonly gatewayPort: number;
  /** Port of the host's loopback; 0 where the host began. */
  readonly hostPort: number;
  /** The tick at which something happened last. */
  used: number;
}

export interface UdpSurroundings {
  readonly rules: NetworkRules;
  /** Where forwarded ports lead. */
  readonly client: Ipv4;
  readonly clock: NetworkClock;
  readonly ports: PortNumbers;
  /** Sends an IP packet to the guest that has the address. */
  send(target: Ipv4, packet: Uint8Array): void;
  command(command: HostCommand): void;
}

type DatagramEvent = Extract<HostEvent, { readonly kind: 'datagram' }>;

export class Udp {
  /** By key, the one that was used last at the end. */
  private readonly flows = new Map<string, Flow>();
  private readonly timer: NetworkTimer;
  private made = 0;

  constructor(private readonly around: UdpSurroundings) {
    this.timer = around.clock.timer(() => this.closeQuiet());
  }

  transferState(state: StateTransfer): void {
    this.made = state.integer(this.made);
    const flows = state.list(this.flows.values(), MOST_FLOWS, (flow): Flow => {
      const guest = transferAddress(state, flow?.guest);
      const [guestPort, gatewayPort, hostPort] = (['guestPort', 'gatewayPort', 'hostPort'] as const).map((name) =>
        state.integer(flow?.[name] ?? 0, MOST_PORT),
      );
      const [number, used] = [state.integer(flow?.number ?? 0), state.integer(flow?.used ?? 0)];
      return { key: keyOf(guest, guestPort, gatewayPort), number, guest, guestPort, gatewayPort, hostPort, used };
    });
    this.timer.transferState(state);
    if (!state.isRestoring) return;
    this.flows.clear();
    for (const flow of flows) this.flows.set(flow.key, flow);
  }

  get open(): number {
    return this.flows.size;
  }

  /** A guest's datagram for the gateway. @returns whether the configuration lets it through */
  receive(source: Ipv4, { sourcePort, destinationPort, payload }: Datagram): boolean {
    const key = keyOf(source, sourcePort, destinationPort);
    const flow = this.flows.get(key) ?? this.reach(key, source, sourcePort, destinationPort);
    if (!flow) return false;
    this.use(flow);
    this.around.command({ kind: 'datagram', flow: flow.number, port: flow.hostPort, bytes: payload });
    return true;
  }

  /** A datagram from the host. What does not fit a packet is lost. */
  hear({ flow: number, bytes, forward }: DatagramEvent): void {
    const known = [...this.flows.values()].find((flow) => flow.number === number);
    const flow = known ?? (forward && this.accept(number, forward));
    if (!flow || bytes.length > LARGEST_PAYLOAD) return;
    this.use(flow);
    const { guest, guestPort, gatewayPort } = flow;
    const datagram = { sourcePort: gatewayPort, destinationPort: guestPort, payload: bytes };
    const payload = writeUdp(datagram, { source: GATEWAY, destination: guest });
    this.around.send(guest, writeIp({ source: GATEWAY, destination: guest, protocol: PROTOCOL.udp, payload }));
  }

  private reach(key: string, guest: Ipv4, guestPort: number, gatewayPort: number): Flow | undefined {
    const { reach } = this.around.rules;
    const rule = reach.find(({ protocol, gateway }) => protocol === 'udp' && gateway === gatewayPort);
    if (!rule) return undefined;
    return this.add({ key, number: 2 * this.made++, guest, guestPort, gatewayPort, hostPort: rule.host, used: 0 });
  }

  private accept(number: number, { guest: guestPort }: Forward): Flow | undefined {
    const port = this.around.ports.take((free) => !this.flows.has(keyOf(this.around.client, guestPort, free)));
    if (port === 0) return undefined;
    const key = keyOf(this.around.client, guestPort, port);
    return this.add({ key, number, guest: this.around.client, guestPort, gatewayPort: port, hostPort: 0, used: 0 });
  }

  private add(flow: Flow): Flow {
    if (this.flows.size >= MOST_FLOWS) {
      const [oldest] = this.flows.values();
      this.close(oldest);
    }
    this.flows.set(flow.key, flow);
    return flow;
  }

  private use(flow: Flow): void {
    flow.used = this.around.clock.now;
    this.flows.delete(flow.key);
    this.flows.set(flow.key, flow);
    if (this.timer.due === undefined) this.timer.start(flow.used + QUIET);
  }

  private closeQuiet(): void {
    const { now } = this.around.clock;
    for (const flow of [...this.flows.values()]) {
      if (flow.used + QUIET > now) break;
      this.close(flow);
    }
    const [oldest] = this.flows.values();
    if (oldest) this.timer.start(oldest.used + QUIET);
  }

  private close(flow: Flow): void {
    this.flows.delete(flow.key);
    this.around.command({ kind: 'closeFlow', flow: flow.number });
  }
}

function keyOf(guest: Ipv4, guestPort: number, gatewayPort: number): string {
  return `${guest.join('.')}:${guestPort} ${gatewayPort}`;
}
