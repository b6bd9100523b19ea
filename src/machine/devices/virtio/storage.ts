/** What a disk keeps its bytes in: an interface, memory, and a layer that leaves what is below unchanged. */
import type { StateTransfer, Stateful } from '../../../engine/state-transfer';

/** Bytes in a sector. */
export const SECTOR_SIZE = 512;

/** A disk's contents that cannot be read or written; the message is for the user. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
}

/** All methods take sectors that exist, and whole ones; they throw a StorageError when the host fails. */
export interface Storage extends Stateful {
  /** Number of sectors. */
  readonly sectors: number;
  readonly readOnly: boolean;
  /** Fills `target` from `sector` on. */
  read(sector: number, target: Uint8Array): void;
  write(sector: number, bytes: Uint8Array): void;
  /** Makes `count` sectors zero. */
  clear(sector: number, count: number): void;
  /** What was written is safe when this returns. */
  flush(): void;
}

/** A disk in memory. Bytes that do not fill the last sector are followed by zeros. */
export class MemoryStorage implements Storage {
  readonly sectors: number;
  private readonly bytes: Uint8Array;

  constructor(
    contents: Uint8Array,
    readonly readOnly = false,
  ) {
    this.sectors = Math.ceil(contents.length / SECTOR_SIZE);
    this.bytes = new Uint8Array(this.sectors * SECTOR_SIZE);
    this.bytes.set(contents);
  }

  read(sector: number, target: Uint8Array): void {
    const start = sector * SECTOR_SIZE;
    target.set(this.bytes.subarray(start, start + target.length));
  }

  write(sector: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, sector * SECTOR_SIZE);
  }

  clear(sector: number, count: number): void {
    this.bytes.fill(0, sector * SECTOR_SIZE, (sector + count) * SECTOR_SIZE);
  }

  flush(): void {
    // Nothing is held back.
  }

  transferState(state: StateTransfer): void {
    state.fill(this.bytes);
  }
}

const NOTHING = new Uint8Array(0);
const CLUSTER_SECTORS = 128;
const CLUSTER_SIZE = CLUSTER_SECTORS * SECTOR_SIZE;

/** Keeps what is written in memory, by clusters of 64 KiB, and leaves the storage below as it is. */
export class OverlayStorage implements Storage {
  readonly readOnly = false;
  readonly sectors: number;
  /** 'zeros': a cluster that was cleared, which needs no memory. */
  private readonly clusters = new Map<number, Uint8Array | 'zeros'>();
  private kept = 0;
  /** Clusters whose bytes a snapshot shares, so that they are copied before they change. */
  private readonly frozen = new Set<number>();

  /** @param mostBytes that may be kept; writing more fails, as on a full disk */
  constructor(
    private readonly below: Storage,
    private readonly mostBytes = 2 ** 30,
  ) {
    this.sectors = below.sectors;
  }

  /** Bytes of memory that hold what was written. */
  get size(): number {
    return this.kept;
  }

  read(sector: number, target: Uint8Array): void {
    for (const part of this.parts(sector, target.length / SECTOR_SIZE)) {
      const cluster = this.clusters.get(part.cluster);
      const here = target.subarray(part.done, part.done + part.length);
      if (cluster === 'zeros') here.fill(0);
      else if (cluster) here.set(cluster.subarray(part.start, part.start + part.length));
      else this.below.read(sector + part.done / SECTOR_SIZE, here);
    }
  }

  write(sector: number, bytes: Uint8Array): void {
    for (const part of this.parts(sector, bytes.length / SECTOR_SIZE)) {
      const cluster = this.clusterToWrite(part.cluster);
      cluster.set(bytes.subarray(part.done, part.done + part.length), part.start);
    }
  }

  clear(sector: number, count: number): void {
    for (const part of this.parts(sector, count)) {
      if (part.length === CLUSTER_SIZE) this.forget(part.cluster);
      else this.clusterToWrite(part.cluster).fill(0, part.start, part.start + part.length);
    }
  }

  flush(): void {
    // What is here is gone with the machine in any case.
  }

  transferState(state: StateTransfer): void {
    this.below.transferState(state);
    const last = Math.ceil(this.sectors / CLUSTER_SECTORS) - 1;
    const clusters = state.list(this.clusters, last + 1, (known): [number, Uint8Array | 'zeros'] => {
      const number = state.integer(known?.[0] ?? 0, last);
      const bytes = known?.[1] instanceof Uint8Array ? known[1] : undefined;
      return [number, state.optional(bytes, (old) => state.shared(old ?? NOTHING, CLUSTER_SIZE)) ?? 'zeros'];
    });
    this.frozen.clear();
    for (const [number, bytes] of clusters) if (bytes !== 'zeros') this.frozen.add(number);
    if (!state.isRestoring) return;
    this.clusters.clear();
    for (const [number, bytes] of clusters) this.clusters.set(number, bytes);
    this.kept = this.frozen.size * CLUSTER_SIZE;
    state.require(this.clusters.size === clusters.length && this.kept <= this.mostBytes, 'a disk has too much on it');
  }

  private forget(number: number): void {
    if (this.clusters.get(number) instanceof Uint8Array) this.kept -= CLUSTER_SIZE;
    this.frozen.delete(number);
    this.clusters.set(number, 'zeros');
  }

  private clusterToWrite(number: number): Uint8Array {
    const known = this.clusters.get(number);
    if (known instanceof Uint8Array) return this.thawed(number, known);
    if (this.size + CLUSTER_SIZE > this.mostBytes) {
      throw new StorageError(
        `The guest has changed more than ${this.mostBytes / 2 ** 20} MiB of a disk whose changes are kept in memory; ` +
          'let it write to the file.',
      );
    }
    const cluster = new Uint8Array(CLUSTER_SIZE);
    if (!known) {
      const first = number * CLUSTER_SECTORS;
      const count = Math.min(CLUSTER_SECTORS, this.sectors - first);
      this.below.read(first, cluster.subarray(0, count * SECTOR_SIZE));
    }
    this.kept += CLUSTER_SIZE;
    this.clusters.set(number, cluster);
    return cluster;
  }

  private thawed(number: number, cluster: Uint8Array): Uint8Array {
    if (!this.frozen.delete(number)) return cluster;
    const copy = cluster.slice();
    this.clusters.set(number, copy);
    return copy;
  }

  /** The clusters that so many sectors lie in: which part of each, and how many bytes came before. */
  private *parts(sector: number, count: number) {
    let done = 0;
    while (done < count * SECTOR_SIZE) {
      const at = sector + done / SECTOR_SIZE;
      const cluster = Math.floor(at / CLUSTER_SECTORS);
      const start = (at % CLUSTER_SECTORS) * SECTOR_SIZE;
      const length = Math.min(CLUSTER_SIZE - start, count * SECTOR_SIZE - done);
      yield { cluster, start, length, done };
      done += length;
    }
  }
}
