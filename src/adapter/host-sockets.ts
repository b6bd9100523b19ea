/**
 * The host's sockets for the guests' networks: on loopback only, and only at the ports that the configuration opens. Ports
 * that the host listens at stay open when a session starts anew, and lead to the machine that was started last.
 */
import { createSocket } from 'node:dgram';
import type { Socket as DatagramSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import type { Forward, NetworkRules } from '../machine/network/host-link';
import { LoopbackLink } from './loopback-link';

const LOOPBACK = '127.0.0.1';

/** A port that cannot be listened at; the message is for the user. */
export class HostPortError extends Error {
  override readonly name = 'HostPortError';

  constructor(
    readonly port: number,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another program; end that program, or choose another port',
  EACCES: 'may not be used without administrator rights; choose a port above 1023',
};

/** A port of the host, and the network that hears of who comes there. */
interface Listener {
  readonly socket: Server | DatagramSocket;
  owner: LoopbackLink | undefined;
  forward: Forward;
}

export class HostSockets {
  private readonly listeners = new Map<string, Listener>();
  /** Those of the machine that runs, and those of one that is about to. */
  private links: LoopbackLink[] = [];

  /**
   * Opens the ports of some guests' networks, and closes what was open and no longer is.
   * @returns a link for each network, in the same order
   * @throws HostPortError
   */
  async open(networks: readonly NetworkRules[]): Promise<LoopbackLink[]> {
    const wanted = new Set(networks.flatMap(({ forward }) => forward.map(keyOf)));
    for (const [key, { socket }] of this.listeners) {
      if (wanted.has(key)) continue;
      socket.close();
      this.listeners.delete(key);
    }
    this.refuseTwice(networks);
    for (const { forward } of networks) {
      for (const rule of forward) if (!this.listeners.has(keyOf(rule))) await this.listen(rule);
    }
    const opened: LoopbackLink[] = networks.map(
      (rules) => new LoopbackLink(rules, (link) => this.takeOver(link, opened)),
    );
    this.links.push(...opened);
    return opened;
  }

  /** Closes everything. */
  close(): void {
    for (const { socket } of this.listeners.values()) socket.close();
    this.listeners.clear();
    for (const link of this.links) link.close();
    this.links = [];
  }

  /** One port leads to one guest. */
  private refuseTwice(networks: readonly NetworkRules[]): void {
    const seen = new Set<string>();
    for (const rule of networks.flatMap(({ forward }) => forward)) {
      if (seen.has(keyOf(rule))) {
        throw new HostPortError(
          rule.host,
          `Port ${rule.host} (${rule.protocol}) is to lead to two guests; choose another.`,
        );
      }
      seen.add(keyOf(rule));
    }
  }

  /** A machine is there that a link leads to: it gets what comes at its ports, and the links of the last one end. */
  private takeOver(link: LoopbackLink, current: readonly LoopbackLink[]): void {
    for (const other of this.links) if (!current.includes(other)) other.close();
    this.links = [...current];
    for (const rule of link.rules.forward) {
      const listener = this.listeners.get(keyOf(rule));
      if (listener) Object.assign(listener, { owner: link, forward: rule });
    }
  }

  private async listen(rule: Forward): Promise<void> {
    const listener: Listener =
      rule.protocol === 'tcp'
        ? { socket: this.streams(() => listener), owner: undefined, forward: rule }
        : { socket: this.datagrams(() => listener), owner: undefined, forward: rule };
    const { socket } = listener;
    await new Promise<void>((resolve, reject) => {
      socket.once('error', (error: NodeJS.ErrnoException) => {
        const problem = PROBLEMS[error.code ?? ''] ?? `cannot be used (${error.message})`;
        reject(
          new HostPortError(rule.host, `Port ${rule.host} (${rule.protocol}) of this machine ${problem}.`, {
            cause: error,
          }),
        );
      });
      if ('bind' in socket) socket.bind(rule.host, LOOPBACK, resolve);
      else socket.listen(rule.host, LOOPBACK, resolve);
    });
    // What goes wrong later with one connection is told there.
    socket.on('error', () => undefined);
    this.listeners.set(keyOf(rule), listener);
  }

  private streams(listener: () => Listener): Server {
    return createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      const { owner, forward } = listener();
      if (owner) owner.accept(socket, forward);
      else socket.destroy();
    });
  }

  private datagrams(listener: () => Listener): DatagramSocket {
    const socket = createSocket('udp4');
    socket.on('message', (bytes, { port }) => {
      const { owner, forward } = listener();
      owner?.hear(bytes, forward, {
        key: `${forward.host} ${port}`,
        answer: (back) => socket.send(back, port, LOOPBACK),
      });
    });
    return socket;
  }
}

function keyOf({ protocol, host }: Forward): string {
  return `${protocol}:${host}`;
}
