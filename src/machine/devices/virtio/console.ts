/**
 * A console: virtio-console with one port.
 * Specification: Virtual I/O Device (VIRTIO) 1.2, section 5.3 Console Device; as QEMU's virtio-serial with
 * `max_ports=1`. Input that the driver has no buffers for waits, and none is lost.
 */
import type { StateTransfer } from '../../../engine/state-transfer';
import { ByteQueue } from '../byte-queue';
import type { Width } from '../device';
import type { VirtioDevice, VirtioHost } from './virtio-device';
import { DEVICE_ID, FEATURE } from './virtio-device';

const F_SIZE = 1n << 0n;
const F_EMERGENCY_WRITE = 1n << 2n;
const RECEIVE = 0;
const TRANSMIT = 1;
const EMERGENCY_REGISTER = 8;
/** More than anybody pastes. */
const INPUT_LIMIT = 1 << 26;
/** Bytes of output that are taken before the program goes on. */
const BYTES_AT_ONCE = 2 ** 20;
const LEAST_COST = 256;

export class VirtioConsole implements VirtioDevice {
  readonly id = DEVICE_ID.console;
  readonly name = 'The virtio console';
  /** QEMU has the two control queues even where there is one port. */
  readonly queueSizes = [128, 128, 32, 32];
  readonly features: bigint;
  readonly legacyFeatures = FEATURE.anyLayout;
  /** Columns and rows, 0 while nobody has said; one port; the register for emergencies. */
  readonly config = Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0);

  /** Called with what the program sends. */
  onOutput: (bytes: Uint8Array) => void = () => {};

  private readonly input = new ByteQueue(INPUT_LIMIT);
  private host!: VirtioHost;
  /** Bytes of the chain at the front of the transmit queue that were taken already. */
  private sent = 0;

  /** @param resizable whether it offers the size of its terminal, which QEMU 7.2 does not */
  constructor({ resizable = false }: { readonly resizable?: boolean } = {}) {
    this.features = F_EMERGENCY_WRITE | (resizable ? F_SIZE : 0n);
  }

  connect(host: VirtioHost): void {
    this.host = host;
  }

  /** The terminal has this size now, in characters; the driver is told (5.3.4). */
  resize(columns: number, rows: number): void {
    const size = new DataView(this.config.buffer);
    if (size.getUint16(0, true) === columns && size.getUint16(2, true) === rows) return;
    size.setUint16(0, columns, true);
    size.setUint16(2, rows, true);
    if (this.host.has(F_SIZE)) this.host.configChanged();
  }

  /** Gives the program input; returns how many bytes were taken (fewer only when 64 MiB are waiting). */
  receive(bytes: Uint8Array): number {
    const accepted = this.input.push(bytes);
    this.host.guard(() => this.deliver());
    return accepted;
  }

  /** Input bytes that the program has no buffer for yet. */
  get waiting(): number {
    return this.input.length;
  }

  /** A byte written to the emergency register is output at once, before any driver has set the device up. */
  writeConfig(offset: number, _width: Width, value: number): void {
    if (offset === EMERGENCY_REGISTER) this.onOutput(Uint8Array.of(value));
  }

  started(): void {
    this.deliver();
  }

  reset(): void {
    this.sent = 0;
  }

  notify(queue: number): void {
    if (queue === RECEIVE) this.deliver();
    else if (queue === TRANSMIT) this.transmit();
  }

  transferState(state: StateTransfer): void {
    this.input.transferState(state);
    this.sent = state.integer(this.sent);
    state.fill(this.config);
  }

  private deliver(): void {
    const { host, input } = this;
    if (!host.isDriverReady) return;
    const queue = host.queues[RECEIVE];
    while (input.length > 0) {
      const chain = queue.pop();
      if (!chain) return;
      const bytes = new Uint8Array(Math.min(input.length, chain.writable.length));
      for (let i = 0; i < bytes.length; i++) bytes[i] = input.shift();
      chain.writable.write(0, bytes);
      host.finish(RECEIVE, chain, bytes.length);
    }
  }

  private transmit(): void {
    const { host } = this;
    const queue = host.queues[TRANSMIT];
    let left = BYTES_AT_ONCE;
    while (left > 0) {
      const chain = queue.pop();
      if (!chain) return;
      const bytes = chain.readable.read(this.sent, left);
      if (bytes.length > 0) this.onOutput(bytes);
      left -= Math.max(bytes.length, LEAST_COST);
      this.sent += bytes.length;
      if (this.sent < chain.readable.length) {
        queue.unpop();
        break;
      }
      this.sent = 0;
      host.finish(TRANSMIT, chain, 0);
    }
    host.resume(TRANSMIT);
  }
}
