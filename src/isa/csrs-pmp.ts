/** Physical memory protection: sixteen entries (Privileged 3.7). */
import type { CsrDescription } from './csr-description';
import { csr, field, hex } from './csr-description';

const ENTRIES = 16;
const ENTRIES_PER_REGISTER = 8;

const READ = 1n;
const WRITE = 2n;
const EXECUTE = 4n;
const LOCKED = 0x80n;
/** R, W, X, A and L; bits 5 and 6 are zero. */
const ENTRY_BITS = 0x9fn;
const matching = ['off', 'TOR: up to the address', 'NA4: four bytes', 'NAPOT: a power of two'];

function explainEntry(value: bigint): string {
  const rights = `${value & READ ? 'r' : '-'}${value & WRITE ? 'w' : '-'}${value & EXECUTE ? 'x' : '-'}`;
  return `${rights}, ${matching[Number((value >> 3n) & 3n)]}${value & LOCKED ? ', locked' : ''}`;
}

/** A locked entry keeps its value until reset; so does one that would become writable but not readable (3.7.1). */
function legaliseConfiguration(old: bigint, next: bigint): bigint {
  let result = 0n;
  for (let i = 0n; i < ENTRIES_PER_REGISTER; i++) {
    const oldEntry = (old >> (8n * i)) & 0xffn;
    const nextEntry = (next >> (8n * i)) & 0xffn;
    const keep = (oldEntry & LOCKED) !== 0n || (nextEntry & (READ | WRITE)) === WRITE;
    result |= (keep ? oldEntry : nextEntry) << (8n * i);
  }
  return result;
}

function configuration(register: number): CsrDescription {
  const first = register * ENTRIES_PER_REGISTER;
  const fields = Array.from({ length: ENTRIES_PER_REGISTER }, (_, i) => {
    const slot = ENTRIES_PER_REGISTER - 1 - i;
    return field(
      `pmp${first + slot}cfg`,
      slot * 8 + 7,
      slot * 8,
      'WARL',
      `The rights and kind of entry ${first + slot}.`,
      {
        writable: ENTRY_BITS << BigInt(slot * 8),
        explain: explainEntry,
      },
    );
  });
  // RV64 has the even-numbered registers only.
  const number = register * 2;
  return csr(
    0x3a0 + number,
    `pmpcfg${number}`,
    `Rights of entries ${first} to ${first + 7} of memory protection.`,
    fields,
    {
      legalise: legaliseConfiguration,
    },
  );
}

const address = (entry: number): CsrDescription =>
  csr(0x3b0 + entry, `pmpaddr${entry}`, `The address of entry ${entry} of memory protection.`, [
    field('address', 53, 0, 'WARL', 'Bits 55:2 of a physical address; writes are ignored while the entry is locked.', {
      explain: (value) => hex(value << 2n),
    }),
  ]);

export const pmpCsrs: readonly CsrDescription[] = [
  ...Array.from({ length: ENTRIES / ENTRIES_PER_REGISTER }, (_, i) => configuration(i)),
  ...Array.from({ length: ENTRIES }, (_, i) => address(i)),
];
