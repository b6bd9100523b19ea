/** Random page tables, addresses and register values for a hostile guest: right ones, nearly right ones, and nonsense. */
import { PTE_A, PTE_D, PTE_G, PTE_R, PTE_U, PTE_V, PTE_W, PTE_X } from '../../../src/machine/pte';
import type { Random } from '../../support/random';

/** The guest's memory: tables first, then data that entries like to map, then code. */
export const MEMORY = { base: 0x8000_0000, size: 0x80_0000 } as const;
export const TABLES = { base: MEMORY.base, pages: 16 } as const;
export const CODE = { base: MEMORY.base + 0x20_0000, pages: 4 } as const;

const LEAF_BITS = [
  PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D,
  PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D,
  PTE_V | PTE_R | PTE_W | PTE_A | PTE_D,
  PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D,
  PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D | PTE_U,
  PTE_V | PTE_R | PTE_W | PTE_X,
  PTE_V | PTE_R | PTE_W | PTE_A | PTE_D | PTE_G,
  PTE_V | PTE_R | PTE_A | PTE_U,
  PTE_V | PTE_X | PTE_A,
];

/** Physical pages: of the guest's tables, its memory, what is beside it, devices, and anywhere. */
export function page(random: Random): bigint {
  const choice = random.below(16);
  const memory = BigInt(MEMORY.base / 4096);
  if (choice < 6) return memory + random.bits(4);
  if (choice < 11) return memory + random.bits(11);
  if (choice < 12) return memory & ~0x3ffffn;
  return random.pick([
    0x88000n + random.bits(12),
    memory + BigInt(MEMORY.size / 4096) + random.bits(2),
    0x80000n - 1n,
    0x10000n + random.bits(4),
    0xc000n + random.bits(9),
    0x100n + random.bits(1),
    0x80200n + random.bits(15),
    random.bits(44),
  ]);
}

/** A page-table entry. Many point to the tables, so that tables map themselves. */
export function entry(random: Random): bigint {
  const choice = random.below(16);
  if (choice < 7) return ((0x80000n + random.bits(4)) << 10n) | BigInt(PTE_V);
  if (choice < 13) {
    const found = page(random);
    const aligned = random.pick([found, found & ~0x1ffn, found & ~0x1ffn, found & ~0x3ffffn]);
    const high = random.below(16) === 0 ? random.bits(10) << 54n : 0n;
    return (aligned << 10n) | BigInt(random.pick(LEAF_BITS)) | high;
  }
  if (choice < 14) return 0n;
  return (page(random) << 10n) | random.bits(8) | (random.below(4) === 0 ? random.bits(10) << 54n : 0n);
}

/** A value of satp: mostly one of the tables, in some mode. */
export function satp(random: Random): bigint {
  if (random.below(5) === 0) return random.below(2) === 0 ? 0n : random.bits(60);
  const mode = random.pick([8n, 8n, 8n, 9n, 10n, random.bits(4)]);
  const root = random.below(8) === 0 ? random.bits(44) : 0x80000n + random.bits(4);
  return (mode << 60n) | (random.bits(2) << 44n) | root;
}

/** An address that code uses: of the code, the tables, devices, the memory's borders, and anywhere in the address space. */
export function address(random: Random): bigint {
  const offset = random.bits(12);
  const extended = (bits: number): bigint => BigInt.asUintN(64, BigInt.asIntN(bits, random.bits(bits)));
  switch (random.below(12)) {
    case 0:
    case 1:
      return BigInt(CODE.base) + random.bits(14);
    case 2:
    case 3:
      return BigInt(TABLES.base) + random.bits(16);
    case 4:
      return BigInt(MEMORY.base) + random.bits(23);
    case 5:
      return (
        random.pick([0x1000_0000n, 0x1000_1000n, 0xc00_0000n, 0xc20_0000n, 0x10_0000n, 0x10_1000n]) + (offset & 0xffcn)
      );
    case 6:
      return BigInt(MEMORY.base + MEMORY.size) - 8n + (offset & 15n);
    case 7:
      return 0x8800_0000n + random.bits(24);
    case 8:
      return 0xffff_ffff_ffff_e000n + random.bits(13);
    case 9:
      return extended(48);
    default:
      return random.below(4) === 0 ? random.bits(64) : extended(39);
  }
}

/** What a register holds: an address, an entry, a satp, an SBI number, or bits. */
export function value(random: Random): bigint {
  switch (random.below(8)) {
    case 0:
    case 1:
    case 2:
      return address(random);
    case 3:
      return entry(random);
    case 4:
      return satp(random);
    case 5:
      return sbiExtension(random);
    case 6:
      return random.bits(5);
    default:
      return random.bits(64);
  }
}

/** BASE, TIME, IPI, RFENCE, HSM, DBCN, the legacy calls, unknown ones; seldom what ends the guest. */
export function sbiExtension(random: Random): bigint {
  const known = [0x10n, 0x54494d45n, 0x735049n, 0x52464e43n, 0x48534dn, 0x4442434en, 0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n];
  if (random.below(400) === 0) return random.pick([0x53525354n, 8n]);
  return random.below(8) === 0 ? random.bits(32) : random.pick(known);
}
