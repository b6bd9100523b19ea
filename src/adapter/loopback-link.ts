/** A guest's network and the host's sockets: commands become calls of Node's, what sockets do becomes events. */
import { createSocket } from 'node:dgram';
import type { Socket as DatagramSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Forward, HostCommand, HostEvent, HostLink, NetworkRules } from '../machine/network/host-link';
import { STREAM_CREDIT } from '../machine/network/host-link';

/** Both loopbacks: programs listen at one, the other, or both. */
const LOOPBACKS = ['127.0.0.1', '::1'] as const;
/** Programs of the host that talk to a guest's UDP ports at a time; the one that came first is forgotten. */
const MOST_CALLERS = 1024;

/** Who sent a datagram to a forwarded port. */
interface Caller {
  readonly key: string;
  answer(bytes: Uint8Array): void;
}

export class LoopbackLink implements HostLink {
  private receive: ((event: HostEvent) => void) | undefined;
  private readonly streams = new Map<number, HostStream>();
  /** Sockets of streams that are not there yet. */
  private readonly connecting = new Map<number, Socket>();
  private readonly callers = new Map<number, Caller>();
  private readonly callerNumbers = new Map<string, number>();
  private readonly flows = new Map<number, DatagramSocket>();
  private accepted = 0;

  /** @param onAttach a machine hears of the events from now on */
  constructor(
    readonly rules: NetworkRules,
    private readonly onAttach: (link: LoopbackLink) => void,
  ) {}

  attach(receive: (event: HostEvent) => void): void {
    this.receive = receive;
    this.onAttach(this);
  }

  send(command: HostCommand): void {
    switch (command.kind) {
      case 'connect':
        this.connect(command.stream, command.port);
        break;
      case 'send':
        this.streams.get(command.stream)?.send(command.bytes);
        break;
      case 'end':
        this.streams.get(command.stream)?.end();
        break;
      case 'taken':
        this.streams.get(command.stream)?.taken(command.count);
        break;
      case 'abort':
        this.streams.get(command.stream)?.abort();
        this.connecting.get(command.stream)?.destroy();
        this.connecting.delete(command.stream);
        break;
      case 'datagram':
        this.sendDatagram(command.flow, command.port, command.bytes);
        break;
      case 'closeFlow':
        this.closeFlow(command.flow);
        break;
      case 'restart':
        this.breakOff();
        for (const stream of command.streams) this.tell({ kind: 'failed', stream });
    }
  }

  /** Somebody connected to a port of the host's that leads to the guest. */
  accept(socket: Socket, forward: Forward): void {
    const stream = 2 * this.accepted++ + 1;
    this.add(stream, socket);
    this.tell({ kind: 'accepted', stream, forward });
    socket.resume();
  }

  /** A datagram came to a port of the host's that leads to the guest. */
  hear(bytes: Uint8Array, forward: Forward, caller: Caller): void {
    let flow = this.callerNumbers.get(caller.key);
    if (flow === undefined) {
      flow = 2 * this.accepted++ + 1;
      this.callers.set(flow, caller);
      this.callerNumbers.set(caller.key, flow);
      const [oldest] = this.callers.keys();
      if (this.callers.size > MOST_CALLERS) this.closeFlow(oldest);
    }
    this.tell({ kind: 'datagram', flow, bytes, forward });
  }

  /** Breaks everything off. The machine hears of nothing more. */
  close(): void {
    this.receive = undefined;
    this.breakOff();
  }

  private breakOff(): void {
    for (const stream of this.streams.values()) stream.abort();
    this.streams.clear();
    for (const socket of this.connecting.values()) socket.destroy();
    this.connecting.clear();
    for (const socket of this.flows.values()) socket.close();
    this.flows.clear();
    this.callers.clear();
    this.callerNumbers.clear();
  }

  private tell(event: HostEvent): void {
    this.receive?.(event);
  }

  private add(number: number, socket: Socket): void {
    const stream = new HostStream(number, socket, (event) => this.tell(event));
    this.streams.set(number, stream);
    socket.once('close', () => this.streams.delete(number));
  }

  private connect(stream: number, port: number): void {
    const isOpen = this.rules.reach.some(({ protocol, host }) => protocol === 'tcp' && host === port);
    if (!isOpen) {
      this.tell({ kind: 'failed', stream });
      return;
    }
    this.tryToConnect(stream, port, LOOPBACKS);
  }

  private tryToConnect(stream: number, port: number, [host, ...others]: readonly string[]): void {
    const socket = connect({ host, port, allowHalfOpen: true });
    this.connecting.set(stream, socket);
    const onError = () => {
      if (!this.connecting.delete(stream)) return;
      if (others.length > 0) this.tryToConnect(stream, port, others);
      else this.tell({ kind: 'failed', stream });
    };
    socket.once('error', onError);
    socket.once('connect', () => {
      socket.off('error', onError);
      this.connecting.delete(stream);
      this.add(stream, socket);
      this.tell({ kind: 'connected', stream });
    });
  }

  private sendDatagram(flow: number, port: number, bytes: Uint8Array): void {
    const caller = this.callers.get(flow);
    if (caller) {
      caller.answer(bytes);
      return;
    }
    const isOpen = this.rules.reach.some(({ protocol, host }) => protocol === 'udp' && host === port);
    if (!isOpen) return;
    const socket = this.flows.get(flow) ?? this.openFlow(flow, port);
    socket.send(bytes, port, LOOPBACKS[0]);
  }

  private openFlow(flow: number, port: number): DatagramSocket {
    const socket = createSocket('udp4');
    this.flows.set(flow, socket);
    socket.on('error', () => undefined); // nobody is there: datagrams are lost
    socket.on('message', (bytes, from) => {
      const isAnswer = from.address === LOOPBACKS[0] && from.port === port;
      if (isAnswer) this.tell({ kind: 'datagram', flow, bytes });
    });
    return socket;
  }

  private closeFlow(flow: number): void {
    this.flows.get(flow)?.close();
    this.flows.delete(flow);
    const caller = this.callers.get(flow);
    if (caller) this.callerNumbers.delete(caller.key);
    this.callers.delete(flow);
  }
}

/** A connection of the host's that stands for one of the guest's. */
class HostStream {
  /** Bytes that the guest has not taken yet. */
  private untaken = 0;
  private aborted = false;

  constructor(
    private readonly number: number,
    private readonly socket: Socket,
    private readonly tell: (event: HostEvent) => void,
  ) {
    socket.setNoDelay(true);
    socket.on('data', (bytes: Uint8Array) => {
      this.untaken += bytes.length;
      if (this.untaken >= STREAM_CREDIT) socket.pause();
      this.event({ kind: 'data', stream: number, bytes });
    });
    socket.on('end', () => this.event({ kind: 'ended', stream: number }));
    socket.on('error', () => this.event({ kind: 'failed', stream: number }));
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes, (error) => {
      if (!error) this.event({ kind: 'sent', stream: this.number, count: bytes.length });
    });
  }

  end(): void {
    this.socket.end();
  }

  abort(): void {
    this.aborted = true;
    this.socket.resetAndDestroy();
  }

  taken(count: number): void {
    this.untaken -= count;
    if (this.untaken < STREAM_CREDIT / 2 && this.socket.isPaused()) this.socket.resume();
  }

  private event(event: HostEvent): void {
    if (!this.aborted) this.tell(event);
  }
}
