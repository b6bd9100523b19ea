// Two ends of a connection over a wire that loses, repeats and disorders segments: every byte arrives once and in order.
import assert from 'node:assert/strict';
import { onTime, TestClock } from '../../../test/support/network-guest';
import type { DeviceTimer } from '../devices/device-clock';
import { Random } from '../../../test/support/random';
import { TcpConnection } from './tcp-connection';
import type { Segment } from './tcp-segment';
import { readSegment, writeSegment } from './tcp-segment';
import { readIp } from './packets';

/** How unkind the wire is: chances of 100. */
interface Weather {
  readonly lost: number;
  readonly repeated: number;
  /** Segments that overtake each other lie up to so many ticks apart. */
  readonly jitter: number;
}

class End {
  connection!: TcpConnection;
  peer!: End;
  readonly received: Uint8Array[] = [];
  ended = false;
  broken = false;
  taken = 0;
  /** Bytes that were delivered, and are not reported as taken yet. */
  held = 0;

  constructor(
    private readonly clock: TestClock,
    private readonly random: Random,
    private readonly weather: Weather,
    private readonly slow: boolean,
  ) {}

  open(ports: { guest: number; gateway: number }, initial: number, syn?: Segment): void {
    const timer: DeviceTimer = this.clock.timer(() => onTime(this.connection, this.clock, timer));
    const events = {
      transmit: (segment: Segment) => this.transmit(segment),
      deliver: (bytes: Uint8Array) => {
        this.received.push(bytes.slice());
        if (this.slow) this.held += bytes.length;
        else this.later(1, () => this.connection.sent(bytes.length));
      },
      ended: () => (this.ended = true),
      taken: (count: number) => (this.taken += count),
      broken: () => (this.broken = true),
      acknowledgeSoon: () => this.later(1, () => this.connection.acknowledge()),
      deadlineSet: (deadline: number) => timer.start(deadline),
    };
    this.connection = new TcpConnection(ports, initial, () => this.clock.now, events);
    this.connection.begin(syn);
  }

  get isOpen(): boolean {
    return (this.connection as TcpConnection | undefined) !== undefined;
  }

  later(ticks: number, action: () => void): void {
    this.clock.timer(action).start(this.clock.now + ticks);
  }

  get bytes(): Buffer {
    return Buffer.concat(this.received);
  }

  private transmit(segment: Segment): void {
    const path = { source: [1, 2, 3, 4], destination: [5, 6, 7, 8] } as const;
    const copy = readSegment(readIp(writeSegment(path, segment))!)!;
    const { lost, repeated, jitter } = this.weather;
    for (let times = this.random.below(100) < repeated ? 2 : 1; times > 0; times--) {
      if (this.random.below(100) < lost) continue;
      this.later(10 + this.random.below(jitter + 1), () => this.peer.take(copy));
    }
  }

  private take(segment: Segment): void {
    if (this.isOpen || !segment.syn) {
      this.connection.receive(segment);
      return;
    }
    this.open({ guest: segment.sourcePort, gateway: segment.destinationPort }, this.random.next(), segment);
    this.connection.connected();
  }
}

function pair(weather: Weather, seed: number, slow = false) {
  const clock = new TestClock();
  const random = new Random(seed);
  const [client, server] = [0, 1].map(() => new End(clock, random, weather, slow)) as [End, End];
  client.peer = server;
  server.peer = client;
  client.open({ guest: 80, gateway: 1000 }, random.next());
  return { clock, random, client, server };
}

const SECOND = 10_000_000;
const CALM = { lost: 0, repeated: 0, jitter: 0 };

describe('TcpConnection', () => {
  const weathers: Readonly<Record<string, Weather>> = {
    'a perfect wire': CALM,
    'a wire that disorders': { lost: 0, repeated: 0, jitter: 300 },
    'a wire that loses': { lost: 10, repeated: 0, jitter: 0 },
    'a bad wire': { lost: 10, repeated: 10, jitter: 300 },
  };
  for (const [name, weather] of Object.entries(weathers)) {
    it(`transfers everything both ways over ${name}`, () => {
      for (let seed = 1; seed <= 6; seed++) {
        const { clock, random, client, server } = pair(weather, seed);
        const data = [client, server].map((end) => {
          const bytes = Buffer.from(
            Uint8Array.from({ length: 20_000 + random.below(180_000) }, () => random.below(256)),
          );
          return { end, bytes, written: 0, finished: false };
        });
        for (let round = 0; round < 20_000; round++) {
          for (const one of data) {
            if (!one.end.isOpen || one.finished) continue;
            const count = random.below(20_000);
            one.end.connection.write(Uint8Array.from(one.bytes.subarray(one.written, one.written + count)));
            one.written += count;
            if (one.written < one.bytes.length) continue;
            one.finished = true;
            one.end.connection.finish();
          }
          clock.advance(random.below(SECOND / 10));
          if (data.every(({ end }) => end.peer.ended && end.connection.isOver)) break;
        }
        for (const { end, bytes } of data) {
          assert.ok(end.peer.bytes.equals(bytes), `seed ${seed}: ${end.peer.bytes.length} of ${bytes.length} bytes`);
          assert.equal(end.taken, bytes.length);
          assert.ok(end.ended && !end.broken && end.connection.isOver, `seed ${seed}`);
        }
        clock.advance(200 * SECOND);
        assert.ok(client.connection.isClosed && server.connection.isClosed);
        assert.equal(clock.next, Infinity);
      }
    });
  }

  it('sends no more than the other side takes, and goes on when it does', () => {
    for (const lost of [0, 10]) {
      const { clock, client, server } = pair({ ...CALM, lost }, 3, true);
      clock.advance(30 * SECOND);
      const bytes = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7) ^ (i >> 8)));
      client.connection.write(Uint8Array.from(bytes));
      client.connection.finish();
      clock.advance(300 * SECOND);
      assert.equal(server.bytes.length, 65_535);
      for (let round = 0; round < 400 && !server.ended; round++) {
        const count = Math.min(server.held, 3000);
        server.held -= count;
        server.connection.sent(count);
        clock.advance(2 * SECOND);
      }
      assert.ok(server.bytes.equals(bytes), `${server.bytes.length} bytes`);
      assert.ok(server.ended);
    }
  });

  it('stays half open for as long as one side sends', () => {
    const { clock, client, server } = pair(CALM, 1);
    client.connection.write(Uint8Array.of(1));
    client.connection.finish();
    clock.advance(SECOND);
    assert.ok(server.ended);
    for (let i = 0; i < 5; i++) {
      server.connection.write(Uint8Array.of(i));
      clock.advance(100 * SECOND);
    }
    assert.deepEqual([...client.bytes], [0, 1, 2, 3, 4]);
    server.connection.finish();
    clock.advance(SECOND);
    assert.ok(client.ended && server.connection.isClosed && !client.connection.isClosed);
    clock.advance(10 * SECOND);
    assert.ok(client.connection.isClosed);
  });

  it('resets when its end fails, and gives up on a silent peer', () => {
    const { clock, client, server } = pair(CALM, 1);
    clock.advance(SECOND);
    server.connection.fail();
    clock.advance(SECOND);
    assert.ok(client.broken && client.connection.isClosed);

    const silent = pair({ ...CALM, lost: 100 }, 1);
    silent.clock.advance(1000 * SECOND);
    assert.ok(silent.client.broken);
    assert.equal(silent.clock.next, Infinity);
  });
});
