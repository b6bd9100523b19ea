// The gateway's TCP and UDP against a scripted guest: what is open, what is refused, and exact answers to odd segments.
import assert from 'node:assert/strict';
import { GUEST, PacketGuest, TcpGuest, TestClock } from '../../../test/support/network-guest';
import { fuzzGateway } from '../../../test/fuzz/devices/gateway';
import { TestLink } from '../../../test/support/network-guest';
import { Random } from '../../../test/support/random';
import { restoreState, saveState } from '../../engine/state-transfer';
import { GATEWAY } from './addresses';
import { Gateway } from './gateway';
import type { Forward, HostEvent, NetworkRules } from './host-link';
import type { Ipv4 } from './packets';
import { checksum, PROTOCOL, writeIp } from './packets';
import type { Segment } from './tcp-segment';
import { readSegment } from './tcp-segment';
import { MOST_CONNECTIONS } from './tcp';
import { MOST_FLOWS } from './udp';

const FORWARD: Forward = { protocol: 'tcp', host: 8080, guest: 80 };
const RULES: NetworkRules = {
  forward: [FORWARD, { protocol: 'udp', host: 5353, guest: 53 }],
  reach: [
    { protocol: 'tcp', gateway: 80, host: 8000 },
    { protocol: 'udp', gateway: 69, host: 6969 },
  ],
};

function setUp<T extends PacketGuest>(make: new (gateway: Gateway, clock: TestClock) => T, rules = RULES) {
  const host = new TestLink();
  const gateway = new Gateway({ rules, host });
  const clock = new TestClock();
  const guest = new make(gateway, clock);
  gateway.attach();
  const tell = (...events: readonly HostEvent[]) => {
    events.forEach((event) => host.tell(event));
    gateway.deliver();
  };
  return { host, gateway, clock, guest, tell };
}

/** A segment in short: flags, sequence, acknowledgment, payload. */
function short(segment: Segment): string {
  const flags = (['syn', 'fin', 'rst'] as const).filter((name) => segment[name]);
  const ack = segment.acknowledgment === undefined ? [] : [`ack ${segment.acknowledgment}`];
  const data = segment.payload.length > 0 ? [`"${Buffer.from(segment.payload).toString()}"`] : [];
  return [...flags, segment.sequence, ...ack, ...data].join(' ');
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A connection that the guest opened: it has sent up to 101, and the gateway up to the number returned. */
function opened() {
  const world = setUp(PacketGuest);
  const { guest, host, tell } = world;
  guest.sendSegment({ syn: true, sequence: 100, maximumSize: 1460 });
  assert.deepEqual(host.take(), ['connect 0 :8000']);
  assert.equal(guest.packets.length, 0, 'no answer before the host has connected');
  tell({ kind: 'connected', stream: 0 });
  const answer = guest.segments.at(-1)!;
  assert.ok(answer.syn && answer.acknowledgment === 101 && answer.maximumSize === 1460);
  const next = answer.sequence + 1;
  guest.sendSegment({ sequence: 101, acknowledgment: next });
  const seen = () => {
    const found = guest.segments.map(short);
    guest.packets.length = 0;
    return found;
  };
  seen();
  return { ...world, next, seen };
}

describe('The gateway’s TCP', () => {
  it('refuses what is not open, at once', () => {
    const { guest, host } = setUp(PacketGuest);
    const elsewhere: Ipv4 = [93, 184, 216, 34];
    for (const [destinationPort, destination] of [
      [81, GATEWAY],
      [8000, GATEWAY],
      [69, GATEWAY],
      [80, [10, 0, 2, 3]],
      [80, elsewhere],
      [80, [127, 0, 0, 2]],
    ] as const) {
      guest.sendSegment({ syn: true, sequence: 7, destinationPort }, destination);
      const answers = guest.segments.map(short);
      assert.deepEqual(answers, destination[0] === 127 ? [] : ['rst 0 ack 8'], `${destination.join('.')}`);
      guest.packets.length = 0;
    }
    guest.sendSegment({ sequence: 7, acknowledgment: 99, payload: bytes('x') });
    assert.deepEqual(guest.segments.map(short), ['rst 99']);
    guest.sendSegment({ rst: true, sequence: 7 });
    assert.equal(guest.segments.length, 1);
    assert.deepEqual(host.commands, []);
    // Without a configuration nothing is open at all.
    const closed = setUp(PacketGuest, { forward: [], reach: [] });
    closed.guest.sendSegment({ syn: true, sequence: 7 });
    assert.deepEqual(closed.guest.segments.map(short), ['rst 0 ack 8']);
  });

  it('passes bytes both ways, and a refusal on', () => {
    const { guest, host, tell, clock, next, seen } = opened();
    guest.sendSegment({ sequence: 101, acknowledgment: next, payload: bytes('hello') });
    assert.deepEqual(host.take(), ['send 0 hello']);
    assert.deepEqual(seen(), [], 'acknowledgments wait for further segments of a batch');
    clock.advance(1);
    assert.deepEqual(seen(), [`${next} ack 106`]);
    tell({ kind: 'sent', stream: 0, count: 5 }, { kind: 'data', stream: 0, bytes: bytes('answer') });
    assert.deepEqual(seen(), [`${next} ack 106 "answer"`]);
    guest.sendSegment({ sequence: 106, acknowledgment: next + 6 });
    assert.deepEqual(host.take(), ['taken 0 6']);
    tell({ kind: 'failed', stream: 0 });
    assert.deepEqual(seen(), [`rst ${next + 6} ack 106`]);
    assert.deepEqual(host.take(), []);

    const refused = setUp(PacketGuest);
    refused.guest.sendSegment({ syn: true, sequence: 100 });
    refused.tell({ kind: 'failed', stream: 0 });
    assert.deepEqual(refused.guest.segments.map(short), ['rst 0 ack 101']);
  });

  it('puts in order what overtook, overlaps or was sent twice', () => {
    const { guest, host, clock, next, seen } = opened();
    const send = (sequence: number, text: string) =>
      guest.sendSegment({ sequence, acknowledgment: next, payload: bytes(text) });
    send(104, 'def');
    send(110, 'jkl');
    assert.deepEqual(seen(), [`${next} ack 101`, `${next} ack 101`]);
    send(102, 'bcdefghi');
    send(101, 'abc');
    assert.deepEqual(
      host
        .take()
        .map((line) => line.slice('send 0 '.length))
        .join(''),
      'abcdefghijkl',
    );
    send(101, 'XYZ');
    clock.advance(1);
    assert.deepEqual(seen().at(-1), `${next} ack 113`);
    send(99, '..........' + '...!');
    send(113, 'm');
    assert.deepEqual(host.take(), ['send 0 m']);
  });

  it('closes in either order, and remembers for a while', () => {
    const first = opened();
    first.guest.sendSegment({ sequence: 101, acknowledgment: first.next, fin: true, payload: bytes('bye') });
    assert.deepEqual(first.host.take(), ['send 0 bye', 'end 0']);
    first.tell({ kind: 'ended', stream: 0 });
    assert.deepEqual(first.seen(), [`fin ${first.next} ack 105`]);
    first.guest.sendSegment({ sequence: 105, acknowledgment: first.next + 1 });
    first.guest.sendSegment({ sequence: 105, acknowledgment: first.next + 1 });
    assert.deepEqual(first.seen(), [`rst ${first.next + 1}`], 'it is forgotten');

    const second = opened();
    second.tell({ kind: 'ended', stream: 0 });
    assert.deepEqual(second.seen(), [`fin ${second.next} ack 101`]);
    second.guest.sendSegment({ sequence: 101, acknowledgment: second.next + 1 });
    second.guest.sendSegment({ sequence: 101, acknowledgment: second.next + 1, fin: true });
    assert.deepEqual(second.seen(), [`${second.next + 1} ack 102`]);
    second.guest.sendSegment({ sequence: 101, acknowledgment: second.next + 1, fin: true });
    assert.deepEqual(second.seen(), [`${second.next + 1} ack 102`], 'the last one may have been lost');
    assert.equal(second.gateway.awaitsHost, true, 'a port is forwarded');
    second.guest.sendSegment({ syn: true, sequence: 500 });
    assert.deepEqual(second.host.take(), ['end 0', 'connect 2 :8000'], 'the same ports again');
  });

  it('answers what cannot be as RFC 9293 says', () => {
    const { guest, host, next, seen } = opened();
    guest.sendSegment({ sequence: 101, acknowledgment: next + 1 });
    assert.deepEqual(seen(), [`${next} ack 101`], 'acknowledges what was never sent');
    guest.sendSegment({ sequence: 101 + 70_000, acknowledgment: next, payload: bytes('x') });
    assert.deepEqual(seen(), [`${next} ack 101`], 'outside the window');
    guest.sendSegment({ sequence: 105, rst: true });
    assert.deepEqual(seen(), [`${next} ack 101`], 'a reset that was guessed');
    guest.sendSegment({ sequence: 101, syn: true });
    assert.deepEqual(seen(), [`${next} ack 101`], 'SYN within a connection');
    guest.sendSegment({ sequence: 101, payload: bytes('x') });
    assert.deepEqual([...seen(), ...host.take()], [], 'no acknowledgment');
    guest.sendSegment({ sequence: 101, rst: true });
    assert.deepEqual([...seen(), ...host.take()], ['abort 0']);
  });

  it('sends again what is lost, and finds shut windows open', () => {
    const { guest, tell, clock, next, seen } = opened();
    tell({ kind: 'data', stream: 0, bytes: bytes('lost') });
    clock.advance(35_000_000);
    const line = `${next} ack 101 "lost"`;
    assert.deepEqual(seen(), [line, line, line]);
    guest.sendSegment({ sequence: 101, acknowledgment: next + 4, window: 0 });
    tell({ kind: 'data', stream: 0, bytes: bytes('probe') });
    assert.deepEqual(seen(), []);
    clock.advance(10_000_000);
    assert.deepEqual(seen(), [`${next + 4} ack 101 "p"`]);
    guest.sendSegment({ sequence: 101, acknowledgment: next + 4, window: 3 });
    assert.deepEqual(seen(), [`${next + 4} ack 101 "pro"`]);
    guest.sendSegment({ sequence: 101, acknowledgment: next + 7, window: 3 });
    assert.deepEqual(seen(), [`${next + 7} ack 101 "be"`]);
    // Three acknowledgments of the same byte tell of a loss before time does.
    guest.sendSegment({ sequence: 101, acknowledgment: next + 9, window: 9000 });
    tell({ kind: 'data', stream: 0, bytes: new Uint8Array(4000).fill(65) });
    seen();
    for (let i = 0; i < 2; i++) guest.sendSegment({ sequence: 101, acknowledgment: next + 9, window: 9000 });
    assert.deepEqual(seen(), []);
    guest.sendSegment({ sequence: 101, acknowledgment: next + 9, window: 9000 });
    assert.equal(seen()[0].slice(0, 20), `${next + 9} ack 101 "AAAAA`.slice(0, 20));
  });

  it('keeps back what the host does not take', () => {
    const { guest, host, tell, clock, next, seen } = opened();
    let sequence = 101;
    for (let i = 0; i < 64; i++, sequence += 1024) {
      guest.sendSegment({ sequence, acknowledgment: next, payload: new Uint8Array(1024) });
    }
    clock.advance(1);
    const windows = () => guest.segments.map(({ window }) => window);
    assert.equal(windows().at(-1), 0);
    assert.equal(
      host.commands.reduce((sum, command) => sum + ('bytes' in command ? command.bytes.length : 0), 0),
      65_535,
    );
    seen();
    tell({ kind: 'sent', stream: 0, count: 1000 });
    assert.deepEqual(windows(), [], 'windows open in large steps');
    tell({ kind: 'sent', stream: 0, count: 40_000 });
    assert.deepEqual(windows(), [41_000]);
  });

  it('connects to the guest for the host', () => {
    const { guest, host, gateway, tell } = setUp(TcpGuest);
    guest.listening.set(80, (stream) => stream.connection.write(bytes('welcome')));
    tell({ kind: 'accepted', stream: 1, forward: FORWARD }, { kind: 'data', stream: 1, bytes: bytes('early') });
    guest.pump();
    assert.deepEqual(host.take().sort(), ['send 1 welcome', 'taken 1 5']);
    assert.ok(gateway.awaitsHost);
    const refused = setUp(TcpGuest);
    refused.tell({ kind: 'accepted', stream: 1, forward: FORWARD });
    refused.guest.pump();
    assert.deepEqual(refused.host.take(), ['abort 1']);
    const deaf = setUp(PacketGuest);
    deaf.guest.answersArp = false;
    deaf.tell({ kind: 'accepted', stream: 1, forward: FORWARD });
    deaf.clock.advance(10_000_000_000);
    assert.deepEqual(deaf.host.take(), ['abort 1']);
  });

  it('has so many connections, and no more', () => {
    const { guest, host, tell } = setUp(PacketGuest);
    for (let i = 0; i < MOST_CONNECTIONS; i++) guest.sendSegment({ syn: true, sourcePort: 5000 + i });
    assert.equal(host.take().length, MOST_CONNECTIONS);
    guest.sendSegment({ syn: true, sourcePort: 4000 });
    assert.deepEqual(guest.segments.map(short), ['rst 0 ack 1']);
    tell({ kind: 'accepted', stream: 1, forward: FORWARD });
    assert.deepEqual(host.take(), ['abort 1']);
    tell({ kind: 'failed', stream: 0 });
    guest.sendSegment({ syn: true, sourcePort: 4000 });
    assert.deepEqual(host.take(), [`connect ${2 * MOST_CONNECTIONS} :8000`]);
  });
});

describe('The gateway’s UDP', () => {
  it('carries datagrams where the configuration says, and refuses others', () => {
    const { guest, host, tell, clock } = setUp(PacketGuest);
    guest.sendDatagram(1000, 69, bytes('get'));
    tell({ kind: 'datagram', flow: 0, bytes: bytes('data') });
    assert.deepEqual(host.take(), ['datagram 0 :6969 get']);
    assert.deepEqual(guest.datagrams, ['69 → 1000: data']);
    guest.packets.length = 0;
    guest.sendDatagram(1000, 80, bytes('x'));
    guest.sendDatagram(1000, 69, bytes('x'), [8, 8, 8, 8]);
    const errors = guest.packets.map(({ protocol, payload }) => [protocol, payload[0], payload[1]]);
    assert.deepEqual(errors, [
      [PROTOCOL.icmp, 3, 3],
      [PROTOCOL.icmp, 3, 0],
    ]);
    assert.ok(guest.packets.every(({ payload }) => checksum(payload) === 0));
    // The host begins.
    tell({ kind: 'datagram', flow: 1, bytes: bytes('question'), forward: RULES.forward[1] });
    const [line] = guest.datagrams;
    const port = Number(line.split(' ')[0]);
    guest.sendDatagram(53, port, bytes('reply'));
    assert.deepEqual(host.take(), ['datagram 1 :0 reply']);
    clock.advance(400_000_000);
    assert.deepEqual(host.take().sort(), ['closeFlow 0', 'closeFlow 1']);
  });

  it('bounds flows and sizes', () => {
    const { guest, host, tell } = setUp(PacketGuest);
    for (let i = 0; i <= MOST_FLOWS; i++) guest.sendDatagram(2000 + i, 69, bytes('x'));
    assert.equal(
      host
        .take()
        .filter((line) => line.startsWith('closeFlow'))
        .join(),
      'closeFlow 0',
    );
    tell({ kind: 'datagram', flow: 2, bytes: new Uint8Array(1473) });
    assert.deepEqual(guest.datagrams, []);
  });

  it('knows no names, and says so', () => {
    const { guest } = setUp(PacketGuest);
    const question = Uint8Array.of(0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 0x66, 0x6f, 0x6f, 0, 0, 1, 0, 1);
    guest.sendDatagram(1000, 53, question, [10, 0, 2, 3]);
    const [{ payload }] = guest.packets;
    assert.deepEqual([...payload.subarray(8, 12)], [0xab, 0xcd, 0x81, 0x83]);
    assert.deepEqual(payload.slice(20), question.slice(12));
    guest.sendDatagram(1000, 53, question.subarray(0, 5), [10, 0, 2, 3]);
    guest.sendDatagram(1000, 53, Uint8Array.of(0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0), [10, 0, 2, 3]);
    assert.equal(guest.packets.length, 1);
  });
});

describe('The gateway’s state', () => {
  it('goes on the same from a snapshot, with the host told', () => {
    const first = opened();
    first.guest.sendSegment({ syn: true, sequence: 100, sourcePort: 1001 });
    first.guest.sendSegment({ sequence: 104, acknowledgment: first.next, payload: bytes('later') });
    first.tell({ kind: 'data', stream: 0, bytes: bytes('unacknowledged') });
    first.guest.sendDatagram(1000, 69, bytes('get'));
    first.guest.frames.length = 0;
    const second = setUp(PacketGuest);
    const stored = saveState(first.gateway);
    restoreState(second.gateway, stored);
    assert.deepEqual(saveState(second.gateway), stored);
    const [{ kind, ...restart }] = second.host.commands.splice(0);
    assert.deepEqual([kind, restart], ['restart', { streams: [0, 2] }]);
    first.host.take();
    for (const world of [first, second]) {
      world.clock.advance(10_000_000);
      world.guest.sendSegment({ sequence: 101, acknowledgment: first.next + 14, payload: bytes('abc') });
      world.tell({ kind: 'failed', stream: 2 }, { kind: 'datagram', flow: 0, bytes: bytes('data') });
    }
    assert.deepEqual(second.host.take(), first.host.take());
    assert.deepEqual(second.guest.frames, first.guest.frames);
    assert.deepEqual(saveState(second.gateway), saveState(first.gateway));
  });
});

describe('The gateway under random guests', () => {
  it('bears any segments, and stays within its bounds', () => {
    for (let seed = 1; seed <= 4; seed++) fuzzGateway(seed, 4000);
  });

  it('reads options and lengths only as far as there are bytes', () => {
    const random = new Random(9);
    for (let round = 0; round < 20_000; round++) {
      const payload = Uint8Array.from({ length: random.below(64) }, () =>
        random.pick([0, 1, 2, 4, 255, random.below(256)]),
      );
      const packet = { source: GUEST, destination: GATEWAY, protocol: PROTOCOL.tcp, payload };
      assert.ok(writeIp(packet).length >= 20);
      readSegment(packet);
    }
  });
});
