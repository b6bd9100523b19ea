// Guests and programs of the host, through real sockets on loopback: HTTP both ways, datagrams, and nothing beyond.
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { createServer, get } from 'node:http';
import type { Server } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { PacketGuest, TcpGuest, text } from '../../test/support/network-guest';
import type { GuestStream } from '../../test/support/network-guest';
import { Gateway } from '../machine/network/gateway';
import type { NetworkRules } from '../machine/network/host-link';
import { HostPortError, HostSockets } from './host-sockets';

const bytes = (written: string) => new TextEncoder().encode(written);

function listen(server: { listen(port: number, host: string, done: () => void): unknown; address(): unknown }) {
  return new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/** A port that nobody listens at. */
async function freePort(): Promise<number> {
  const server = createTcpServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('HostSockets', function () {
  this.timeout(10_000);
  const sockets = new HostSockets();
  const closing: (() => void)[] = [];
  afterEach(() => {
    sockets.close();
    for (const close of closing.splice(0)) close();
  });

  async function boot<T extends PacketGuest>(make: new (gateway: Gateway) => T, rules: Partial<NetworkRules>) {
    const whole = { forward: [], reach: [], ...rules };
    const [host] = await sockets.open([whole]);
    const gateway = new Gateway({ rules: whole, host });
    const guest = new make(gateway);
    gateway.attach();
    return guest;
  }

  /** Lets the guest and the host run until something is so. */
  async function until(guest: PacketGuest, done: () => boolean): Promise<void> {
    for (let turns = 0; !done(); turns++) {
      assert.ok(turns < 5000, 'nothing happens');
      if (guest instanceof TcpGuest) guest.pump();
      else guest.gateway.deliver();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  function received({ received: parts }: GuestStream): Buffer {
    return Buffer.concat(parts);
  }

  it('lets a guest fetch a file from a server that the configuration names', async () => {
    const file = Buffer.from(Uint8Array.from({ length: 1_000_000 }, (_, i) => (i * 31) ^ (i >> 8)));
    const server: Server = createServer((_, response) => response.end(file));
    const host = await listen(server);
    closing.push(() => server.close());
    const guest = await boot(TcpGuest, { reach: [{ protocol: 'tcp', gateway: 80, host }] });
    const stream = guest.connect(80);
    stream.connection.write(bytes('GET /file HTTP/1.0\r\nHost: gateway\r\n\r\n'));
    await until(guest, () => stream.ended);
    const answer = received(stream);
    const start = answer.indexOf('\r\n\r\n') + 4;
    assert.match(answer.subarray(0, start).toString(), /^HTTP\/1.1 200 OK/);
    assert.ok(answer.subarray(start).equals(file));
    stream.connection.finish();
    await until(guest, () => stream.connection.isClosed || stream.connection.isOver);
    const other = guest.connect(host);
    await until(guest, () => other.broken);
  });

  it('lets a program of the host fetch a file from a guest', async () => {
    const host = await freePort();
    const guest = await boot(TcpGuest, { forward: [{ protocol: 'tcp', host, guest: 8000 }] });
    const body = 'x'.repeat(300_000);
    guest.listening.set(8000, ({ connection }) => {
      connection.write(bytes(`HTTP/1.0 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`));
      connection.finish();
    });
    let answer: string | undefined;
    get({ host: '127.0.0.1', port: host, path: '/' }, (response) => {
      let whole = '';
      response.setEncoding('latin1').on('data', (part: string) => (whole += part));
      response.on('end', () => (answer = whole));
    });
    await until(guest, () => answer !== undefined);
    assert.equal(answer, body);
  });

  it('carries half-closed connections, resets and refusals', async () => {
    const seen: string[] = [];
    const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
      socket.on('data', (part) => seen.push(part.toString()));
      socket.on('end', () => socket.end(`after ${seen.join('')}`));
      socket.on('error', (error: NodeJS.ErrnoException) => seen.push(error.code ?? ''));
    });
    const host = await listen(server);
    closing.push(() => server.close());
    const nobody = await freePort();
    const reach = [host, nobody].map((port, index) => ({ protocol: 'tcp', gateway: 80 + index, host: port }) as const);
    const guest = await boot(TcpGuest, { reach });
    const stream = guest.connect(80);
    stream.connection.write(bytes('question'));
    stream.connection.finish();
    await until(guest, () => stream.ended);
    assert.equal(received(stream).toString(), 'after question');
    const refused = guest.connect(81);
    await until(guest, () => refused.broken);
    seen.length = 0;
    const broken = guest.connect(80);
    broken.connection.write(bytes('x'));
    await until(guest, () => seen.length > 0);
    broken.connection.fail();
    await until(guest, () => seen.length > 1);
    assert.deepEqual(seen, ['x', 'ECONNRESET']);
  });

  it('holds a fast sender back', async () => {
    let sent = 0;
    const host = await freePort();
    const guest = await boot(TcpGuest, { forward: [{ protocol: 'tcp', host, guest: 80 }] });
    let stream: GuestStream | undefined;
    guest.listening.set(80, (opened) => (stream = opened));
    const socket = connect(host, '127.0.0.1');
    closing.push(() => socket.destroy());
    socket.on('error', () => undefined);
    const part = new Uint8Array(1 << 16);
    // Nobody pumps the guest, so that the host's buffers fill up.
    const write = () => {
      while (sent < 64 << 20 && socket.write(part)) sent += part.length;
    };
    socket.on('connect', write).on('drain', write);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const before = sent;
    assert.ok(before < 32 << 20, `${before} bytes were taken`);
    await until(guest, () => stream !== undefined && received(stream).length > before);
  });

  it('carries datagrams', async () => {
    const echo = createSocket('udp4');
    echo.on('message', (message, { port }) => echo.send(`re: ${message.toString()}`, port, '127.0.0.1'));
    await new Promise<void>((resolve) => echo.bind(0, '127.0.0.1', resolve));
    closing.push(() => echo.close());
    const host = await freePort();
    const guest = await boot(PacketGuest, {
      reach: [{ protocol: 'udp', gateway: 7, host: echo.address().port }],
      forward: [{ protocol: 'udp', host, guest: 53 }],
    });
    guest.sendDatagram(1000, 7, bytes('hello'));
    await until(guest, () => guest.datagrams.length > 0);
    assert.deepEqual(guest.datagrams, ['7 → 1000: re: hello']);
    guest.packets.length = 0;
    const asker = createSocket('udp4');
    closing.push(() => asker.close());
    const answers: string[] = [];
    asker.on('message', (message) => answers.push(text(message)));
    asker.send('question', host, '127.0.0.1');
    await until(guest, () => guest.datagrams.length > 0);
    const [port] = guest.datagrams[0].split(' ');
    guest.sendDatagram(53, Number(port), bytes('answer'));
    await until(guest, () => answers.length > 0);
    assert.deepEqual(answers, ['answer']);
  });

  it('says which port is in use', async () => {
    const server = createTcpServer();
    const host = await listen(server);
    closing.push(() => server.close());
    await assert.rejects(
      sockets.open([{ forward: [{ protocol: 'tcp', host, guest: 80 }], reach: [] }]),
      (error) =>
        error instanceof HostPortError &&
        error.message ===
          `Port ${host} (tcp) of this machine is in use by another program; end that program, or choose another port.`,
    );
  });

  it('leads to the machine that was started last, without losing the port', async () => {
    const host = await freePort();
    const rules = { forward: [{ protocol: 'tcp', host, guest: 80 }] } as const;
    const first = await boot(TcpGuest, rules);
    first.listening.set(80, ({ connection }) => connection.write(bytes('first')));
    const socket = connect(host, '127.0.0.1');
    const seen: string[] = [];
    socket.on('data', (part) => seen.push(part.toString()));
    socket.on('error', (error: NodeJS.ErrnoException) => seen.push(error.code ?? ''));
    await until(first, () => seen.length > 0);
    const second = await boot(TcpGuest, rules);
    second.listening.set(80, ({ connection }) => connection.write(bytes('second')));
    await until(second, () => seen.length > 1);
    assert.deepEqual(seen, ['first', 'ECONNRESET']);
    const again = connect(host, '127.0.0.1');
    closing.push(() => again.destroy());
    again.on('data', (part) => seen.push(part.toString()));
    again.on('error', () => undefined);
    await until(second, () => seen.length > 2);
    assert.equal(seen[2], 'second');
  });
});
