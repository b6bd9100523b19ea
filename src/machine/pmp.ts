/** Physical memory protection: 16 entries of 4-byte granularity (Privileged 3.7). */
import type { StateTransfer } from '../engine/state-transfer';
import { FETCH, LOAD } from '../engine/host';
import type { Access } from '../engine/host';
import type { Privilege } from '../engine/hart-state';
import { csrByNumber, legalValue } from '../isa/csrs';
import { CSR } from './csr-numbers';

export const PMP_ENTRIES = 16;

const PMP_R = 0x01;
const PMP_W = 0x02;
const PMP_X = 0x04;
const PMP_RWX = PMP_R | PMP_W | PMP_X;
const PMP_L = 0x80;
/** How an entry's address register is meant: the A field. */
const MATCH_SHIFT = 3;
const OFF = 0;
const TOR = 1;
const NA4 = 2;

/** pmpaddr holds bits 55–2 of a physical address. */
const ADDRESS_MASK = (1n << 54n) - 1n;

const M_MODE = 3;

/** An entry that is not OFF, as a range of bytes. */
interface Rule {
  readonly start: number;
  /** One past the last byte. */
  readonly end: number;
  readonly permissions: number;
  /** Whether it binds M-mode too. */
  readonly locked: boolean;
  /** Its number, 0 to 15. */
  readonly entry: number;
}

export class Pmp {
  private readonly configs = new Uint8Array(PMP_ENTRIES);
  private readonly addresses = new BigUint64Array(PMP_ENTRIES);
  private rules: readonly Rule[] = [];

  /** @param onChange called after a write that changed a rule, so that cached permissions can be dropped */
  constructor(private readonly onChange: () => void = () => {}) {}

  /** pmpcfg0 or pmpcfg2 (register 0 or 2): the configurations of eight entries. */
  readConfig(register: number): bigint {
    let value = 0n;
    for (let i = 7; i >= 0; i--) value = (value << 8n) | BigInt(this.configs[register * 4 + i]);
    return value;
  }

  /** Locked entries keep their configuration, and so do entries given a reserved one. */
  writeConfig(register: number, value: bigint): void {
    const description = csrByNumber(CSR.pmpcfg0 + register);
    if (!description) return;
    const legal = legalValue(description, this.readConfig(register), value);
    for (let i = 0; i < 8; i++) this.configs[register * 4 + i] = Number((legal >> BigInt(8 * i)) & 0xffn);
    this.rebuild();
  }

  readAddress(entry: number): bigint {
    return this.addresses[entry];
  }

  /** Ignored when the entry is locked, or the next one is and takes this address as its bottom (3.7.1, "Locking"). */
  writeAddress(entry: number, value: bigint): void {
    if ((this.configs[entry] & PMP_L) !== 0) return;
    const next = entry + 1 < PMP_ENTRIES ? this.configs[entry + 1] : 0;
    if ((next & PMP_L) !== 0 && matchOf(next) === TOR) return;
    this.addresses[entry] = value & ADDRESS_MASK;
    this.rebuild();
  }

  /** Whether all bytes of an access may be touched, in this effective privilege. */
  allows(address: number, size: number, access: Access, privilege: Privilege): boolean {
    const rule = this.firstTouching(address, size);
    // Without a match M-mode succeeds and the others fail: this machine implements PMP entries, even if all are OFF.
    if (!rule) return privilege === M_MODE;
    if (address < rule.start || address + size > rule.end) return false;
    if (privilege === M_MODE && !rule.locked) return true;
    return (rule.permissions & neededBy(access)) !== 0;
  }

  /** Which rule decides about an access that `allows` refuses, as a part of a sentence. */
  explain(address: number, size: number): string {
    const rule = this.firstTouching(address, size);
    if (!rule) return 'no entry of physical memory protection matches the address, and below M-mode one must';
    const { entry, start, end, permissions, locked } = rule;
    const range = `0x${start.toString(16)}–0x${(end - 1).toString(16)}`;
    const letters = [...'RWX'].map((letter, bit) => ((permissions >> bit) & 1 ? letter : '-')).join('');
    const name = `entry ${entry} of physical memory protection (${range}, ${letters}${locked ? ', locked' : ''})`;
    const isInside = address >= start && address + size <= end;
    return isInside ? `${name} does not allow it` : `${name} matches only a part of it`;
  }

  /** Whether one answer holds for every access inside the 4 KiB page of this address. */
  isUniform(address: number): boolean {
    const page = address - (address % 4096);
    const rule = this.firstTouching(page, 4096);
    return !rule || (page >= rule.start && page + 4096 <= rule.end);
  }

  /**
   * A part of this memory, bounded by page borders, where S- and U-mode may do everything: all of it, or the largest of the
   * pieces that the rules leave. `start` is `end` when there is none.
   */
  openPart(start: number, end: number): { readonly start: number; readonly end: number } {
    for (const rule of this.rules) {
      if (rule.end <= start || rule.start >= end) continue;
      if (rule.start <= start && rule.end >= end) {
        return (rule.permissions & PMP_RWX) === PMP_RWX ? { start, end } : { start, end: start };
      }
      const [below, above] = [Math.floor(rule.start / 4096) * 4096, Math.ceil(rule.end / 4096) * 4096];
      if (end - above > below - start) start = above;
      else end = Math.max(start, below);
    }
    return { start, end: start };
  }

  transferState(state: StateTransfer): void {
    state.fill(this.configs);
    state.fill(this.addresses);
    state.require(
      this.addresses.every((address) => address <= ADDRESS_MASK),
      'pmpaddr is not legal',
    );
    if (state.isRestoring) this.rebuild();
  }

  private firstTouching(address: number, size: number): Rule | undefined {
    for (const rule of this.rules) {
      if (address < rule.end && address + size > rule.start) return rule;
    }
    return undefined;
  }

  private rebuild(): void {
    const rules: Rule[] = [];
    for (let entry = 0; entry < PMP_ENTRIES; entry++) {
      const config = this.configs[entry];
      const range = this.rangeOf(entry, matchOf(config));
      if (range) rules.push({ ...range, permissions: config & PMP_RWX, locked: (config & PMP_L) !== 0, entry });
    }
    this.rules = rules;
    this.onChange();
  }

  private rangeOf(entry: number, match: number): { start: number; end: number } | undefined {
    const address = this.addresses[entry];
    const at = Number(address) * 4;
    if (match === OFF) return undefined;
    if (match === TOR) {
      const start = entry === 0 ? 0 : Number(this.addresses[entry - 1]) * 4;
      return start < at ? { start, end: at } : undefined;
    }
    if (match === NA4) return { start: at, end: at + 4 };
    // NAPOT: n trailing ones name a range of 2^(n+3) bytes.
    const ones = address ^ (address + 1n);
    const start = Number(address & ~ones) * 4;
    return { start, end: start + (Number(ones) + 1) * 4 };
  }
}

/** The permission bit that an access needs. */
function neededBy(access: Access): number {
  if (access === FETCH) return PMP_X;
  return access === LOAD ? PMP_R : PMP_W;
}

function matchOf(config: number): number {
  return (config >> MATCH_SHIFT) & 3;
}
