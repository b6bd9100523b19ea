/** Random guests at a network's gateway, and a random host behind it: nothing breaks, and what is kept stays bounded. */
import assert from 'node:assert/strict';
import { saveState } from '../../../src/engine/state-transfer';
import { GATEWAY } from '../../../src/machine/network/addresses';
import { Gateway } from '../../../src/machine/network/gateway';
import type { HostEvent, NetworkRules } from '../../../src/machine/network/host-link';
import { ETHER_TYPE, PROTOCOL, writeIp, writeUdp } from '../../../src/machine/network/packets';
import type { Segment } from '../../../src/machine/network/tcp-segment';
import { NO_BYTES, writeSegment } from '../../../src/machine/network/tcp-segment';
import { GUEST, PacketGuest, TestClock, TestLink } from '../../support/network-guest';
import { Random } from '../../support/random';

const RULES: NetworkRules = {
  forward: [
    { protocol: 'tcp', host: 8080, guest: 80 },
    { protocol: 'udp', host: 53, guest: 53 },
  ],
  reach: [
    { protocol: 'tcp', gateway: 80, host: 8000 },
    { protocol: 'udp', gateway: 69, host: 6969 },
  ],
};
/** Connections with full buffers both ways. */
const MOST_STATE = 256 * 2 ** 20;

const bytes = (random: Random, most: number) => new Uint8Array(random.below(most));

function segment(random: Random): Uint8Array {
  const number = () => random.pick([0, 1, 100, 101, 102, 0xffff_ffff, 0x7fff_ffff, random.next()]);
  const written: Segment = {
    sourcePort: 1000 + random.below(3),
    destinationPort: random.pick([80, 80, 80, 81, 49_152]),
    sequence: (number() + random.below(3000)) >>> 0,
    ...(random.below(4) > 0 && { acknowledgment: (number() + random.below(3)) >>> 0 }),
    syn: random.below(4) === 0,
    fin: random.below(8) === 0,
    rst: random.below(16) === 0,
    window: random.pick([0, 1, 1000, 65_535]),
    ...(random.below(2) === 0 && { maximumSize: random.pick([0, 1, 536, 65_535]) }),
    payload: random.below(2) === 0 ? NO_BYTES : bytes(random, 1500),
  };
  return writeSegment({ source: GUEST, destination: GATEWAY }, written);
}

function datagram(random: Random): Uint8Array {
  const path = { source: GUEST, destination: random.pick([GATEWAY, [10, 0, 2, 3], [255, 255, 255, 255]] as const) };
  const payload = Uint8Array.from({ length: random.below(400) }, () => random.pick([0, 1, 53, 255, random.below(256)]));
  const ports = { sourcePort: random.below(70), destinationPort: random.pick([53, 67, 69, 70]) };
  return writeIp({ ...path, protocol: PROTOCOL.udp, payload: writeUdp({ ...ports, payload }, path) });
}

function event(random: Random, round: number): HostEvent {
  const stream = random.pick([0, 1, 2, 3, 4, 2 * random.below(100)]);
  const [tcp, udp] = RULES.forward;
  return random.pick<HostEvent>([
    { kind: 'connected', stream },
    { kind: 'connected', stream },
    { kind: 'data', stream, bytes: bytes(random, 5000) },
    { kind: 'ended', stream },
    { kind: 'failed', stream },
    { kind: 'accepted', stream: 2 * round + 1, forward: tcp },
    { kind: 'datagram', flow: random.below(100), bytes: bytes(random, 2000), forward: udp },
  ]);
}

/** @throws what goes wrong */
export function fuzzGateway(seed: number, rounds: number): void {
  const random = new Random(seed);
  const host = new TestLink();
  const gateway = new Gateway({ rules: RULES, host });
  const clock = new TestClock();
  const guest = new PacketGuest(gateway, clock);
  gateway.attach();
  for (let round = 0; round < rounds; round++) {
    const packet = random.below(3) > 0 ? segment(random) : datagram(random);
    if (random.below(10) === 0) packet[random.below(packet.length)] ^= 1 << random.below(8);
    const type = random.below(20) === 0 ? ETHER_TYPE.arp : ETHER_TYPE.ipv4;
    guest.sendFrame(type, random.below(10) === 0 ? packet.subarray(0, random.below(packet.length)) : packet);
    if (random.below(3) === 0) {
      host.tell(event(random, round));
      gateway.deliver();
    }
    clock.advance(random.pick([0, 1, 1000, 20_000_000]));
    guest.packets.length = guest.frames.length = host.commands.length = 0;
  }
  assert.ok(saveState(gateway).bytes.length < MOST_STATE, `seed ${seed}: it keeps too much`);
  clock.advance(100_000_000_000);
}
