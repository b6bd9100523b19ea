// The gateway's answers, and its silence towards nonsense.
import assert from 'node:assert/strict';
import { Random } from '../../../test/support/random';
import { Gateway } from './gateway';
import { checksum, ETHER_TYPE, PROTOCOL, readFrame, readIp, readUdp, writeFrame, writeIp, writeUdp } from './packets';
import type { Ipv4 } from './packets';

const GUEST_MAC = [0x52, 0x54, 0, 0x12, 0x34, 0x56];
const GATEWAY_MAC = [0x52, 0x55, 10, 0, 2, 2];
const ALL = [255, 255, 255, 255, 255, 255];
const GUEST: Ipv4 = [10, 0, 2, 15];
const GATEWAY: Ipv4 = [10, 0, 2, 2];

function exchange(type: number, payload: Uint8Array): Uint8Array[] {
  const gateway = new Gateway();
  const frames: Uint8Array[] = [];
  gateway.onFrame = (frame) => frames.push(frame);
  gateway.send(writeFrame({ destination: ALL, source: GUEST_MAC, type, payload }));
  return frames;
}

const arpFor = (target: readonly number[]) =>
  Uint8Array.of(0, 1, 8, 0, 6, 4, 0, 1, ...GUEST_MAC, ...GUEST, 0, 0, 0, 0, 0, 0, ...target);

function echo(destination: Ipv4): Uint8Array {
  const payload = Uint8Array.of(8, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7);
  const sum = checksum(payload);
  payload.set([sum >> 8, sum & 255], 2);
  return writeIp({ source: GUEST, destination, protocol: PROTOCOL.icmp, payload });
}

function dhcp(kind: number, ...options: readonly number[]): Uint8Array {
  const message = new Uint8Array(300);
  message.set([1, 1, 6, 0, 0xde, 0xad, 0xbe, 0xef]);
  message.set(GUEST_MAC, 28);
  message.set([0x63, 0x82, 0x53, 0x63, 0, 53, 1, kind, ...options, 255], 236);
  const path = { source: [0, 0, 0, 0], destination: [255, 255, 255, 255] } as const;
  const payload = writeUdp({ sourcePort: 68, destinationPort: 67, payload: message }, path);
  return writeIp({ ...path, protocol: PROTOCOL.udp, payload });
}

function dhcpAnswer(packet: Uint8Array): Uint8Array | undefined {
  const [frame] = exchange(ETHER_TYPE.ipv4, packet);
  if (!frame) return undefined;
  const ip = readIp(readFrame(frame)!.payload)!;
  assert.deepEqual([ip.source, ip.destination], [GATEWAY, [255, 255, 255, 255]]);
  const { destinationPort, payload } = readUdp(ip.payload)!;
  assert.equal(destinationPort, 68);
  return payload;
}

describe('Gateway', () => {
  it('answers ARP for the gateway and the name server', () => {
    for (const target of [GATEWAY, [10, 0, 2, 3]]) {
      const [reply] = exchange(ETHER_TYPE.arp, arpFor(target));
      const expected = [0, 1, 8, 0, 6, 4, 0, 2, ...GATEWAY_MAC, ...target, ...GUEST_MAC, ...GUEST];
      assert.deepEqual(readFrame(reply), {
        destination: GUEST_MAC,
        source: GATEWAY_MAC,
        type: ETHER_TYPE.arp,
        payload: Uint8Array.from(expected),
      });
    }
    assert.deepEqual(exchange(ETHER_TYPE.arp, arpFor([10, 0, 2, 99])), []);
  });

  it('answers pings', () => {
    const [reply] = exchange(ETHER_TYPE.ipv4, echo(GATEWAY));
    const packet = readIp(readFrame(reply)!.payload)!;
    assert.deepEqual([packet.source, packet.destination], [GATEWAY, GUEST]);
    assert.equal(checksum(packet.payload), 0);
    assert.deepEqual([...packet.payload.subarray(4)], [1, 2, 3, 4, 5, 6, 7]);
    assert.equal(packet.payload[0], 0);
    const [unreachable] = exchange(ETHER_TYPE.ipv4, echo([10, 0, 2, 99]));
    const error = readIp(readFrame(unreachable)!.payload)!;
    assert.deepEqual([error.source, error.destination], [GATEWAY, GUEST]);
    assert.deepEqual([...error.payload.subarray(0, 2)], [3, 0]);
    assert.deepEqual(error.payload.slice(8), echo([10, 0, 2, 99]).slice(0, 28));
  });

  it('gives out its address by DHCP', () => {
    const offer = dhcpAnswer(dhcp(1))!;
    assert.deepEqual([...offer.subarray(0, 8)], [2, 1, 6, 0, 0xde, 0xad, 0xbe, 0xef]);
    assert.deepEqual([...offer.subarray(16, 20)], [...GUEST]);
    assert.deepEqual([...offer.subarray(28, 34)], GUEST_MAC);
    assert.deepEqual([...offer.subarray(240, 243)], [53, 1, 2]);
    assert.equal(dhcpAnswer(dhcp(3, 50, 4, ...GUEST, 54, 4, ...GATEWAY))![242], 5);
    assert.equal(dhcpAnswer(dhcp(3, 50, 4, 10, 0, 2, 16))![242], 6);
    assert.equal(dhcpAnswer(dhcp(3, 50, 4, ...GUEST, 54, 4, 1, 2, 3, 4)), undefined);
    assert.equal(dhcpAnswer(dhcp(8)), undefined);
  });

  it('bears any frame', () => {
    const random = new Random(4);
    const gateway = new Gateway();
    const samples = [arpFor(GATEWAY), echo(GATEWAY), dhcp(1), dhcp(3, 50, 4, ...GUEST)];
    for (let round = 0; round < 5000; round++) {
      const payload = random.pick(samples).slice();
      for (let i = random.below(4); i > 0; i--) payload[random.below(payload.length)] = random.below(256);
      const type = random.pick(Object.values(ETHER_TYPE));
      const frame = writeFrame({ destination: ALL, source: GUEST_MAC, type, payload });
      gateway.send(frame.subarray(0, random.below(3) ? frame.length : random.below(frame.length + 1)));
    }
  });
});
