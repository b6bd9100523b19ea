/** Debian's Linux on the network: a lease, pings, and transfers from and to a web server and a client on the host's loopback. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LinuxGuest, LinuxRun } from '../support/linux-guest';
import { KNOWN_FILE, makeLinuxGuest, readScript, scriptOutput, startOurs, startQemu } from '../support/linux-guest';
import type { ProcessConsole } from '../support/process-console';

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of message) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** Gives the known file, and says the hash of what it is sent. */
async function startServer(): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.method === 'GET') response.end(KNOWN_FILE);
    else void bodyOf(request).then((body) => response.end(`received ${body.length} bytes, ${hash(body)}\n`));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** A port that nobody uses. */
async function freePort(): Promise<number> {
  const server = await startServer();
  const port = portOf(server);
  await new Promise((closed) => server.close(closed));
  return port;
}

/** Fetches from the guest when it serves, and lets it end. */
async function visit(console: ProcessConsole, port: number): Promise<LinuxRun> {
  try {
    await console.waitFor(/ready to serve/);
    const answer = await fetch(`http://127.0.0.1:${port}/known`);
    assert.equal(answer.status, 200);
    assert.equal(hash(new Uint8Array(await answer.arrayBuffer())), hash(KNOWN_FILE));
    console.send('\n');
    const status = await console.exit;
    return { output: console.output, status };
  } finally {
    await console.stop();
  }
}

describe('Debian Linux on the network', () => {
  let server: Server;
  let guest: LinuxGuest;

  before(async function () {
    server = await startServer();
    const script = readScript('at-network.sh').replaceAll('SERVER_PORT', String(portOf(server)));
    guest = makeLinuxGuest(this, `step() { echo "== $*"; }\n${script}`);
  });
  after(() => {
    server?.close();
    guest?.remove();
  });

  it('gets a lease, answers to pings, fetches and serves, as in QEMU', async function () {
    const port = await freePort();
    const ports = ['--reach', String(portOf(server)), '--forward', `${port}:80`];
    const ours = await visit(startOurs(guest, '512M', ports), port);
    assert.equal(ours.status, 0);
    assert.match(scriptOutput(ours), /leased 10\.0\.2\.15 .*\n3\n/);
    assert.match(scriptOutput(ours), new RegExp(`${hash(KNOWN_FILE)} .*\nreceived 288894 bytes`));
    const network = `user,id=net,hostfwd=tcp:127.0.0.1:${port}-:80`;
    const qemu = startQemu(this, guest, ['-netdev', network, '-device', 'virtio-net-device,netdev=net']);
    assert.equal(scriptOutput(ours), scriptOutput(await visit(qemu, port)));
  });
});
