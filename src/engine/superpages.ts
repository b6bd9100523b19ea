/**
 * Superpages of which TLBs may hold parts. SFENCE.VMA for one address must drop all parts of such a page (Privileged 4.2.1), and TLBs know
 * pages of 4 KiB only. Noted is a bit for each, found by a hash of its number: an address may seem to lie in one that does not, and
 * then more is dropped than need be.
 */
import type { Code } from '../wasm/code';
import type { Module } from '../wasm/module';
import * as at from './layout';

/** Levels of page tables at which superpages are leaves. */
const LEVELS = [1, 2, 3, 4];
const BITS = 8 * at.SUPERPAGE_LEVELS;
const HASH_SHIFT = 15;
/** In place of a level's bit: pages of 64 KiB are in use, so that each address may lie in one. */
const CONTIGUOUS = 1;

const shiftOf = (level: number): number => 12 + 9 * level;

export class Superpages {
  /** @param bytes where they are noted: `SUPERPAGES_SIZE` bytes */
  constructor(private bytes: Uint8Array = new Uint8Array(at.SUPERPAGES_SIZE)) {}

  /** They are noted elsewhere from now on; whoever calls this has copied them. */
  moveTo(bytes: Uint8Array): void {
    this.bytes = bytes;
  }

  /** TLBs may hold parts of the superpage with this address (halves) from now on. @param level of its leaf, from 1 on */
  note(vaLow: number, vaHigh: number, level: number): void {
    const bit = bitOf(vaLow, vaHigh, level);
    this.bytes[bit >>> 3] |= 1 << (bit & 7);
    this.bytes[at.SUPERPAGE_LEVELS] |= 1 << level;
  }

  /** The same of a page of 64 KiB. */
  noteContiguous(): void {
    this.bytes[at.SUPERPAGE_LEVELS] |= CONTIGUOUS;
  }

  /** Whether the address may lie in one of which a TLB holds other parts. */
  mayHave(vaLow: number, vaHigh: number): boolean {
    const levels = this.bytes[at.SUPERPAGE_LEVELS];
    if ((levels & CONTIGUOUS) !== 0) return true;
    return LEVELS.some((level) => {
      if ((levels & (1 << level)) === 0) return false;
      const bit = bitOf(vaLow, vaHigh, level);
      return (this.bytes[bit >>> 3] & (1 << (bit & 7))) !== 0;
    });
  }

  /** All TLBs were emptied. */
  forget(): void {
    if (this.bytes[at.SUPERPAGE_LEVELS] !== 0) this.bytes.fill(0);
  }
}

function bitOf(vaLow: number, vaHigh: number, level: number): number {
  const shift = shiftOf(level);
  const number = shift < 32 ? (vaHigh << (32 - shift)) | (vaLow >>> shift) : vaHigh >>> (shift - 32);
  return (number ^ (number >>> HASH_SHIFT)) & (BITS - 1);
}

/** Sets `bit` to the bit of the page that the address in `va` lies in. @param pushShift pushes log2 of its size (i64) */
function findBit(code: Code, va: number, pushShift: () => void, bit: number): void {
  code.get(va);
  pushShift();
  code.op('i64.shr_u', 'i32.wrap_i64').tee(bit).get(bit).i32(HASH_SHIFT).op('i32.shr_u', 'i32.xor');
  code
    .i32(BITS - 1)
    .op('i32.and')
    .set(bit);
}

/** Pushes the mask of the bit in its byte. */
const pushMask = (code: Code, bit: number): Code => code.i32(1).get(bit).i32(7).op('i32.and', 'i32.shl');

/** As `note`: of the address in `va`, and a level by log2 of its pages' size in `shift` (i64). */
export function emitNote(code: Code, va: number, shift: number): void {
  const [bit, address] = [code.local('i32'), code.local('i32')];
  findBit(code, va, () => code.get(shift), bit);
  code.get(bit).i32(3).op('i32.shr_u').tee(address).get(address).memory('i32.load8_u', at.SUPERPAGES);
  pushMask(code, bit).op('i32.or').memory('i32.store8', at.SUPERPAGES);
  const levels = at.SUPERPAGES + at.SUPERPAGE_LEVELS;
  code.i32(0).i32(0).memory('i32.load8_u', levels).i32(1);
  code.get(shift).op('i32.wrap_i64').i32(12).op('i32.sub').i32(9).op('i32.div_u', 'i32.shl', 'i32.or');
  code.memory('i32.store8', levels);
}

/** (va) -> as `mayHave`. */
export function defineMayHave(module: Module): number {
  return module.define({ parameters: ['i64'], results: ['i32'] }, (code) => {
    const va = 0;
    const [levels, bit] = [code.local('i32'), code.local('i32')];
    const found = () => code.i32(1).op('return');
    code
      .i32(0)
      .memory('i32.load8_u', at.SUPERPAGES + at.SUPERPAGE_LEVELS)
      .tee(levels);
    code.i32(CONTIGUOUS).op('i32.and').if(found);
    for (const level of LEVELS) {
      code
        .get(levels)
        .i32(1 << level)
        .op('i32.and');
      code.if(() => {
        findBit(code, va, () => code.i64(BigInt(shiftOf(level))), bit);
        code.get(bit).i32(3).op('i32.shr_u').memory('i32.load8_u', at.SUPERPAGES);
        pushMask(code, bit).op('i32.and').if(found);
      });
    }
    code.i32(0);
  });
}
