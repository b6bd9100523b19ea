/** Ways to offer the debug adapter: on standard input and output for one client, or on a TCP port for any number. */
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { HypocaustDebugSession } from './debug-session';

/** Serves one client on stdin and stdout; the process ends with it. */
export function serveStdio(): void {
  const session = new HypocaustDebugSession();
  process.on('SIGTERM', () => session.shutdown());
  // stdout carries the protocol: what anything prints by mistake goes to stderr.
  console.log = console.error;
  session.start(process.stdin, process.stdout);
}

/**
 * Serves clients on a TCP port of this machine, each with a session of its own.
 * @param port 0: any free one
 * @returns the server, once it listens, and the port
 */
export function servePort(port: number, host = '127.0.0.1'): Promise<{ server: Server; port: number }> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      const session = new HypocaustDebugSession();
      session.setRunAsServer(true);
      socket.on('error', () => socket.destroy());
      session.start(socket, socket);
    });
    server.once('error', reject);
    server.listen(port, host, () => resolve({ server, port: (server.address() as AddressInfo).port }));
  });
}
