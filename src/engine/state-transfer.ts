/**
 * How a thing's state gets into a snapshot and back. A thing describes its state once, by passing each value through: taking
 * a snapshot, the value is kept and comes back as it is; restoring one, the value that was kept comes back.
 *
 *     transferState(state: StateTransfer): void {
 *       this.divisor = state.integer(this.divisor, 0xffff);
 *       this.enabled = state.flag(this.enabled);
 *     }
 *
 * So there is no order to get wrong, and no second list to forget. A snapshot may come from a damaged or made-up file: what
 * comes back is of the kind and in the range that was asked for, or there is a SnapshotError. What follows from several
 * values at once, the thing checks itself, by `require`.
 */

/** A snapshot cannot be taken, or cannot be restored; the message is one sentence for the user. */
export class SnapshotError extends Error {}

/** Anything with a state of its own. */
export interface Stateful {
  transferState(state: StateTransfer): void;
}

export interface StateTransfer {
  /** Whether values come back from a snapshot. */
  readonly isRestoring: boolean;
  /** Puts a name on what is passed through inside, so that snapshots of other machines and versions are recognised. */
  section(name: string, transfer: () => void): void;
  flag(value: boolean): boolean;
  /** A whole number from `least` (0 unless given) to `most`. */
  integer(value: number, most?: number, least?: number): number;
  /** Any number, Infinity included; not NaN. */
  number(value: number): number;
  /** Unsigned 64 bits. */
  word(value: bigint): bigint;
  text(value: string, mostLength?: number): string;
  /** One of these. */
  choice<T extends string>(value: T, choices: readonly T[]): T;
  /** A value that may be absent. @param transfer passes it through; `undefined` where it is to be made anew */
  optional<T>(value: T | undefined, transfer: (value: T | undefined) => T): T | undefined;
  /** Values in order. @param transfer passes one through; `undefined` where it is to be made anew */
  list<T>(values: Iterable<T>, most: number, transfer: (value: T | undefined, index: number) => T): T[];
  /** Bytes that are copied. Exactly so many when `most` equals `least`. */
  bytes(value: Uint8Array, most: number, least?: number): Uint8Array;
  /** The bytes of an array that stays the same. */
  fill(array: Uint8Array | Uint16Array | Uint32Array | Int32Array | BigUint64Array): void;
  /**
   * Bytes that are shared with the snapshot, and so must never change from now on.
   * @param length exactly so many
   */
  shared(value: Uint8Array, length: number): Uint8Array;
  /** While restoring: @throws SnapshotError unless the condition holds */
  require(condition: boolean, what: string): void;
}

const KIND = {
  section: 1,
  false: 2,
  true: 3,
  integer: 4,
  number: 5,
  word: 6,
  text: 7,
  absent: 8,
  present: 9,
  list: 10,
  bytes: 11,
  shared: 12,
} as const;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const MOST_TEXT = 1024;

/** A state as a snapshot keeps it. */
export interface StoredState {
  readonly bytes: Uint8Array;
  /** Bytes that are shared with whoever gave them, and with other snapshots. */
  readonly shared: readonly Uint8Array[];
}

/** Takes the state of something. */
export function saveState(of: Stateful): StoredState {
  const writer = new StateWriter();
  of.transferState(writer);
  return writer.finish();
}

/** Gives something the state that was taken. @throws SnapshotError when it cannot be; then its state is none in particular */
export function restoreState(to: Stateful, state: StoredState): void {
  const reader = new StateReader(state);
  to.transferState(reader);
  reader.finish();
}

class StateWriter implements StateTransfer {
  readonly isRestoring = false;
  private buffer = new Uint8Array(4096);
  private view = new DataView(this.buffer.buffer);
  private length = 0;
  private readonly sharedBytes: Uint8Array[] = [];

  finish(): StoredState {
    return { bytes: this.buffer.slice(0, this.length), shared: this.sharedBytes };
  }

  section(name: string, transfer: () => void): void {
    this.kind('section');
    this.put(encoder.encode(name));
    const at = this.reserve(4);
    transfer();
    this.view.setUint32(at, this.length - at - 4, true);
  }

  flag(value: boolean): boolean {
    this.kind(value ? 'true' : 'false');
    return value;
  }

  integer(value: number): number {
    this.kind('integer');
    this.putNumber(value);
    return value;
  }

  number(value: number): number {
    this.kind('number');
    this.putNumber(value);
    return value;
  }

  word(value: bigint): bigint {
    this.kind('word');
    const at = this.reserve(8);
    this.view.setBigUint64(at, value, true);
    return value;
  }

  text(value: string): string {
    this.kind('text');
    this.put(encoder.encode(value));
    return value;
  }

  choice<T extends string>(value: T): T {
    this.text(value);
    return value;
  }

  optional<T>(value: T | undefined, transfer: (value: T) => T): T | undefined {
    this.kind(value === undefined ? 'absent' : 'present');
    if (value !== undefined) transfer(value);
    return value;
  }

  list<T>(values: Iterable<T>, _most: number, transfer: (value: T, index: number) => T): T[] {
    const all = [...values];
    this.kind('list');
    this.putLength(all.length);
    for (const [index, value] of all.entries()) transfer(value, index);
    return all;
  }

  bytes(value: Uint8Array): Uint8Array {
    this.kind('bytes');
    this.put(value);
    return value;
  }

  fill(array: Uint8Array | Uint16Array | Uint32Array | Int32Array | BigUint64Array): void {
    this.bytes(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  }

  shared(value: Uint8Array): Uint8Array {
    this.kind('shared');
    this.sharedBytes.push(value);
    return value;
  }

  require(): void {
    // What there is, is right.
  }

  private kind(kind: keyof typeof KIND): void {
    const at = this.reserve(1);
    this.buffer[at] = KIND[kind];
  }

  private putNumber(value: number): void {
    const at = this.reserve(8);
    this.view.setFloat64(at, value, true);
  }

  private putLength(length: number): void {
    const at = this.reserve(4);
    this.view.setUint32(at, length, true);
  }

  private put(bytes: Uint8Array): void {
    this.putLength(bytes.length);
    const at = this.reserve(bytes.length);
    this.buffer.set(bytes, at);
  }

  /** Makes room. @returns where */
  private reserve(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.buffer.length) {
      const larger = new Uint8Array(Math.max(2 * this.buffer.length, this.length));
      larger.set(this.buffer);
      this.buffer = larger;
      this.view = new DataView(larger.buffer);
    }
    return at;
  }
}

class StateReader implements StateTransfer {
  readonly isRestoring = true;
  private readonly view: DataView;
  private position = 0;
  private sharedTaken = 0;
  /** Of the section that is read. */
  private end: number;
  private sections: string[] = [];

  constructor(private readonly state: StoredState) {
    const { buffer, byteOffset, length } = state.bytes;
    this.view = new DataView(buffer, byteOffset, length);
    this.end = length;
  }

  finish(): void {
    if (this.position !== this.end || this.sharedTaken !== this.state.shared.length) this.fail('it holds more');
  }

  section(name: string, transfer: () => void): void {
    this.expect('section');
    const found = this.takeText(MOST_TEXT);
    if (found !== name) this.fail(`it holds "${found}" where "${name}" belongs`);
    const length = this.takeLength();
    const outer = this.end;
    if (this.position + length > outer) this.fail('a part is cut off');
    this.end = this.position + length;
    this.sections.push(name);
    transfer();
    if (this.position !== this.end) this.fail('a part holds more than this version knows');
    this.sections.pop();
    this.end = outer;
  }

  flag(): boolean {
    const kind = this.takeByte();
    if (kind !== KIND.true && kind !== KIND.false) this.fail('a value is of another kind');
    return kind === KIND.true;
  }

  integer(_value: number, most = Number.MAX_SAFE_INTEGER, least = 0): number {
    this.expect('integer');
    const value = this.takeNumber();
    if (!Number.isInteger(value) || value < least || value > most) this.fail(`${value} is out of range`);
    return value;
  }

  number(): number {
    this.expect('number');
    const value = this.takeNumber();
    if (Number.isNaN(value)) this.fail('a value is no number');
    return value;
  }

  word(): bigint {
    this.expect('word');
    return this.view.getBigUint64(this.take(8), true);
  }

  text(_value: string, mostLength = MOST_TEXT): string {
    this.expect('text');
    return this.takeText(mostLength);
  }

  choice<T extends string>(_value: T, choices: readonly T[]): T {
    const text = this.text('');
    const found = choices.find((choice) => choice === text);
    return found ?? this.fail(`"${text}" is not known`);
  }

  optional<T>(value: T | undefined, transfer: (value: T | undefined) => T): T | undefined {
    const kind = this.takeByte();
    if (kind === KIND.absent) return undefined;
    if (kind !== KIND.present) this.fail('a value is of another kind');
    return transfer(value);
  }

  list<T>(values: Iterable<T>, most: number, transfer: (value: T | undefined, index: number) => T): T[] {
    this.expect('list');
    const length = this.takeLength();
    // Each value takes a byte at least.
    if (length > most || length > this.end - this.position) this.fail(`${length} values are too many`);
    const old = [...values];
    return Array.from({ length }, (_, index) => transfer(old[index], index));
  }

  bytes(_value: Uint8Array, most: number, least = 0): Uint8Array {
    this.expect('bytes');
    const length = this.takeLength();
    if (length > most || length < least) this.fail(`${length} bytes are too many or too few`);
    const at = this.take(length);
    return this.state.bytes.slice(at, at + length);
  }

  fill(array: Uint8Array | Uint16Array | Uint32Array | Int32Array | BigUint64Array): void {
    const target = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    target.set(this.bytes(target, target.length, target.length));
  }

  shared(_value: Uint8Array, length: number): Uint8Array {
    this.expect('shared');
    const bytes = this.state.shared[this.sharedTaken++];
    if (bytes?.length !== length) this.fail('a block has another size');
    return bytes!;
  }

  require(condition: boolean, what: string): void {
    if (!condition) this.fail(what);
  }

  private fail(what: string): never {
    const where = this.sections.length > 0 ? ` (${[...this.sections].reverse().join(' of ')})` : '';
    throw new SnapshotError(
      `The snapshot does not fit this version of Hypocaust, or is damaged: ${what}${where}; take it anew.`,
    );
  }

  private expect(kind: keyof typeof KIND): void {
    if (this.takeByte() !== KIND[kind]) this.fail('a value is of another kind');
  }

  private takeByte(): number {
    return this.view.getUint8(this.take(1));
  }

  private takeNumber(): number {
    return this.view.getFloat64(this.take(8), true);
  }

  private takeLength(): number {
    return this.view.getUint32(this.take(4), true);
  }

  private takeText(mostLength: number): string {
    const length = this.takeLength();
    if (length > 4 * mostLength) this.fail('a text is too long');
    const at = this.take(length);
    return decoder.decode(this.state.bytes.subarray(at, at + length));
  }

  private take(count: number): number {
    const at = this.position;
    if (at + count > this.end) this.fail('a part is cut off');
    this.position = at + count;
    return at;
  }
}
