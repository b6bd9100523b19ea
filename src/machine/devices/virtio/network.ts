/**
 * A network card: virtio-net with one pair of queues and a control queue.
 * Specification: Virtual I/O Device (VIRTIO) 1.2, section 5.1 Network Device; features and answers to control commands as
 * in QEMU's hw/net/virtio-net.c for a card without offloads. What filters ask for is acknowledged, and every frame that
 * the peer sends is delivered.
 */
import type { StateTransfer, Stateful } from '../../../engine/state-transfer';
import type { Width } from '../device';
import type { DeviceClock } from '../device-clock';
import type { VirtioDevice, VirtioHost } from './virtio-device';
import { DEVICE_ID, FEATURE } from './virtio-device';
import { VirtioError } from './virtio-error';
import type { Chain } from './virtqueue';

const F_CTRL_GUEST_OFFLOADS = 1n << 2n;
const F_MAC = 1n << 5n;
const F_GSO = 1n << 6n;
const F_MRG_RXBUF = 1n << 15n;
const F_STATUS = 1n << 16n;
const F_CTRL_VQ = 1n << 17n;
const F_CTRL_RX = 1n << 18n;
const F_CTRL_VLAN = 1n << 19n;
const F_CTRL_RX_EXTRA = 1n << 20n;
const F_GUEST_ANNOUNCE = 1n << 21n;
const F_CTRL_MAC_ADDR = 1n << 23n;

const RECEIVE = 0;
const TRANSMIT = 1;
const CONTROL = 2;

const LINK_UP = 1;
/** Without and with the count of buffers that a received frame fills. */
const SHORT_HEADER = 10;
const LONG_HEADER = 12;
const LARGEST_FRAME = 65_550;
/** Frames that wait for the driver's buffers; more are lost, as on a wire. */
const MOST_WAITING = 256;
/** Frames and commands that are taken before the program goes on. */
const CHAINS_AT_ONCE = 1024;

const NOTHING = new Uint8Array(0);

const ACKNOWLEDGED = 0;
const REFUSED = 1;

/** The other end of the cable. */
export interface NetworkPeer extends Stateful {
  /** Called once, before anything else. */
  connect?(clock: DeviceClock): void;
  /** Takes an Ethernet frame, without its check sequence. It may answer at once. */
  send(frame: Uint8Array): void;
  /** Set by the card: takes a frame for the guest. */
  onFrame: (frame: Uint8Array) => void;
}

/** QEMU's default. */
export const DEFAULT_MAC: readonly number[] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];

export class VirtioNetwork implements VirtioDevice {
  readonly id = DEVICE_ID.network;
  readonly name = 'The network card';
  readonly queueSizes = [256, 256, 64];
  readonly features =
    F_CTRL_GUEST_OFFLOADS |
    F_MAC |
    F_MRG_RXBUF |
    F_STATUS |
    F_CTRL_VQ |
    F_CTRL_RX |
    F_CTRL_VLAN |
    F_CTRL_RX_EXTRA |
    F_GUEST_ANNOUNCE |
    F_CTRL_MAC_ADDR;
  readonly legacyFeatures = F_GSO | FEATURE.anyLayout;
  /** The card's address and the state of the link. */
  readonly config: Uint8Array;

  private readonly waiting: Uint8Array[] = [];
  private host!: VirtioHost;

  constructor(
    private readonly peer: NetworkPeer,
    private readonly mac = DEFAULT_MAC,
  ) {
    this.config = Uint8Array.of(...mac, LINK_UP, 0);
    peer.onFrame = (frame) => this.receive(frame);
  }

  connect(host: VirtioHost): void {
    this.host = host;
    this.peer.connect?.(host.clock);
  }

  /** Only legacy drivers set the address in this way. */
  writeConfig(offset: number, width: Width, value: number): void {
    if (this.host.has(FEATURE.version1) || this.host.has(F_CTRL_MAC_ADDR)) return;
    for (let i = 0; i < width && offset + i < this.mac.length; i++) this.config[offset + i] = value >>> (8 * i);
  }

  started(): void {
    this.deliver();
  }

  reset(): void {
    this.waiting.length = 0;
    this.config.set(this.mac);
  }

  notify(queue: number): void {
    if (queue === RECEIVE) {
      this.deliver();
      return;
    }
    const { host } = this;
    for (let count = 0; count < CHAINS_AT_ONCE; count++) {
      const chain = host.queues[queue].pop();
      if (!chain) return;
      if (queue === TRANSMIT) this.transmit(chain);
      else this.control(chain);
      host.finish(queue, chain, queue === CONTROL ? 1 : 0);
    }
    host.resume(queue);
  }

  /** A frame for the guest; without a driver it is lost. */
  private receive(frame: Uint8Array): void {
    if (!this.host.isDriverReady || this.waiting.length >= MOST_WAITING || frame.length > LARGEST_FRAME) return;
    this.waiting.push(frame);
    this.host.guard(() => this.deliver());
  }

  transferState(state: StateTransfer): void {
    const waiting = state.list(this.waiting, MOST_WAITING, (frame) => state.bytes(frame ?? NOTHING, LARGEST_FRAME));
    this.waiting.splice(0, Infinity, ...waiting);
    state.fill(this.config);
    this.peer.transferState(state);
  }

  private get headerSize(): number {
    return this.host.has(F_MRG_RXBUF) || this.host.has(FEATURE.version1) ? LONG_HEADER : SHORT_HEADER;
  }

  private deliver(): void {
    if (!this.host.isDriverReady) return;
    while (this.waiting.length > 0) {
      const packet = new Uint8Array(this.headerSize + this.waiting[0].length);
      packet.set(this.waiting[0], this.headerSize);
      const taken = this.buffersFor(packet.length);
      if (!taken) return;
      this.waiting.shift();
      if (taken.length > 0) this.fill(taken, packet);
    }
  }

  /** Chains with room for so many bytes; none where a single one must do and does not; undefined: not yet. */
  private buffersFor(length: number): readonly Chain[] | undefined {
    const queue = this.host.queues[RECEIVE];
    const taken: Chain[] = [];
    const putBack = () => taken.forEach(() => queue.unpop());
    let room = 0;
    while (room < length) {
      const chain = queue.pop();
      if (!chain) {
        putBack();
        return undefined;
      }
      taken.push(chain);
      room += chain.writable.length;
      if (room < length && !this.host.has(F_MRG_RXBUF)) {
        putBack();
        return [];
      }
    }
    return taken;
  }

  private fill(chains: readonly Chain[], packet: Uint8Array): void {
    if (this.headerSize === LONG_HEADER) new DataView(packet.buffer).setUint16(SHORT_HEADER, chains.length, true);
    let done = 0;
    const filled = chains.map(({ head, writable }) => {
      const count = writable.write(0, packet.subarray(done));
      done += count;
      return [head, count] as const;
    });
    this.host.queues[RECEIVE].pushAll(filled);
    this.host.interrupt(RECEIVE);
  }

  private transmit({ readable }: Chain): void {
    const header = this.headerSize;
    if (readable.length < header) throw new VirtioError('a frame to send has no header');
    if (readable.length - header <= LARGEST_FRAME) this.peer.send(readable.read(header, LARGEST_FRAME));
  }

  private control({ readable, writable }: Chain): void {
    if (readable.length < 2 || writable.length < 1) throw new VirtioError('a control command is not complete');
    const [group, command] = readable.read(0, 2);
    const isKnown = CONTROLS[group]?.(command, readable.length - 2) ?? false;
    if (isKnown && group === CONTROL_MAC && command === MAC_SET) this.config.set(readable.read(2, 6));
    writable.write(0, Uint8Array.of(isKnown ? ACKNOWLEDGED : REFUSED));
  }
}

const CONTROL_MAC = 1;
const MAC_SET = 1;

/** Whether a command of a group, with so many bytes of data, is one that can be acknowledged (5.1.6.5). */
const CONTROLS: Readonly<Record<number, (command: number, length: number) => boolean>> = {
  /** Which frames to receive. */
  0: (command, length) => command <= 5 && length === 1,
  [CONTROL_MAC]: (command, length) => (command === MAC_SET ? length === 6 : command === 0 && length >= 8),
  /** VLAN filters. */
  2: (command, length) => command <= 1 && length === 2,
};
