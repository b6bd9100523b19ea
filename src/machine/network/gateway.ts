/**
 * The network that a guest finds at the end of its cable, with the addresses of QEMU's user-mode network: a gateway that
 * answers ARP, pings and DHCP. Nothing goes out to the host's network.
 */
import { CLIENT_PORT, SERVER_PORT, answerDhcp } from './dhcp';
import type { Lease } from './dhcp';
import type { Frame, IpPacket, Ipv4, Mac } from './packets';
import {
  address,
  checksum,
  ETHER_TYPE,
  PROTOCOL,
  readFrame,
  readIp,
  readUdp,
  sameAddress,
  view,
  writeFrame,
  writeIp,
  writeUdp,
} from './packets';

const GATEWAY: Ipv4 = [10, 0, 2, 2];
const NAME_SERVER: Ipv4 = [10, 0, 2, 3];
const CLIENT: Ipv4 = [10, 0, 2, 15];
const BROADCAST: Ipv4 = [255, 255, 255, 255];
const EVERYBODY: Mac = [255, 255, 255, 255, 255, 255];
const GATEWAY_MAC: Mac = [0x52, 0x55, ...GATEWAY];

const LEASE: Lease = {
  client: CLIENT,
  server: GATEWAY,
  mask: [255, 255, 255, 0],
  router: GATEWAY,
  nameServer: NAME_SERVER,
  seconds: 86_400,
};

const ARP_SIZE = 28;
const ARP_REQUEST = 1;
const ARP_REPLY = 2;
/** Ethernet and IPv4, with their addresses' lengths. */
const ARP_KIND = 0x0001_0800;
const ARP_LENGTHS = 0x0604;

const ECHO_REQUEST = 8;
const ECHO_REPLY = 0;

export class Gateway {
  /** Takes what the gateway sends to the guest. */
  onFrame: (frame: Uint8Array) => void = () => {};

  /** Takes a frame from the guest, and answers it at once if at all. What is damaged or not for the gateway is ignored. */
  send(bytes: Uint8Array): void {
    const frame = readFrame(bytes);
    if (!frame) return;
    if (frame.type === ETHER_TYPE.arp) this.answerArp(frame);
    if (frame.type === ETHER_TYPE.ipv4) this.answerIp(frame);
  }

  transferState(): void {
    // Each answer follows from its question alone.
  }

  private answerArp({ source, payload }: Frame): void {
    if (payload.length < ARP_SIZE) return;
    const fields = view(payload);
    const isKnown = fields.getUint32(0) === ARP_KIND && fields.getUint16(4) === ARP_LENGTHS;
    const target = address(payload, 24);
    if (!isKnown || fields.getUint16(6) !== ARP_REQUEST || !isOurs(target)) return;
    const reply = new Uint8Array(ARP_SIZE);
    reply.set(payload.subarray(0, 6));
    view(reply).setUint16(6, ARP_REPLY);
    reply.set(GATEWAY_MAC, 8);
    reply.set(target, 14);
    reply.set(payload.subarray(8, 18), 18);
    this.reply(source, ETHER_TYPE.arp, reply);
  }

  private answerIp({ source, payload }: Frame): void {
    const packet = readIp(payload);
    if (!packet) return;
    if (packet.protocol === PROTOCOL.icmp && isOurs(packet.destination)) this.answerEcho(source, packet);
    if (packet.protocol === PROTOCOL.udp) this.answerUdp(packet);
  }

  private answerEcho(mac: Mac, { source, destination, payload }: IpPacket): void {
    if (payload.length < 8 || payload[0] !== ECHO_REQUEST || checksum(payload) !== 0) return;
    const echo = payload.slice();
    echo[0] = ECHO_REPLY;
    view(echo).setUint16(2, 0);
    view(echo).setUint16(2, checksum(echo));
    const reply = { source: destination, destination: source, protocol: PROTOCOL.icmp, payload: echo };
    this.reply(mac, ETHER_TYPE.ipv4, writeIp(reply));
  }

  private answerUdp(packet: IpPacket): void {
    const datagram = readUdp(packet.payload);
    if (datagram?.destinationPort !== SERVER_PORT) return;
    const answer = answerDhcp(datagram.payload, LEASE);
    if (!answer) return;
    const payload = writeUdp({ sourcePort: SERVER_PORT, destinationPort: CLIENT_PORT, payload: answer });
    const reply = { source: GATEWAY, destination: BROADCAST, protocol: PROTOCOL.udp, payload };
    this.reply(EVERYBODY, ETHER_TYPE.ipv4, writeIp(reply));
  }

  private reply(destination: Mac, type: number, payload: Uint8Array): void {
    this.onFrame(writeFrame({ destination, source: GATEWAY_MAC, type, payload }));
  }
}

function isOurs(ip: Ipv4): boolean {
  return sameAddress(ip, GATEWAY) || sameAddress(ip, NAME_SERVER);
}
