/** What loads, stores and atomics do, integer and floating-point. */
import type { Formula, ReferenceHart } from '../reference-hart';
import { CAUSE } from '../reference-hart';

const widths = { b: 1, h: 2, w: 4, d: 8 } as const;
const bits = (width: number): number => 8 * width;
const BOX = 0xffffffff00000000n;
const DIRTY = 3;

/** What an atomic leaves in memory, from signed operands of its width. */
export const atomicForms: Record<string, (old: bigint, b: bigint, unsigned: (value: bigint) => bigint) => bigint> = {
  amoswap: (_old, b) => b,
  amoadd: (old, b) => old + b,
  amoxor: (old, b) => old ^ b,
  amoand: (old, b) => old & b,
  amoor: (old, b) => old | b,
  amomin: (old, b) => (old < b ? old : b),
  amomax: (old, b) => (old > b ? old : b),
  amominu: (old, b, unsigned) => (unsigned(old) < unsigned(b) ? old : b),
  amomaxu: (old, b, unsigned) => (unsigned(old) > unsigned(b) ? old : b),
};

const integerAccesses = Object.entries(widths).flatMap(([letter, width]): [string, Formula][] => [
  [`l${letter}`, (hart) => hart.setRd(BigInt.asIntN(bits(width), hart.load(hart.a + hart.imm, width)))],
  [`s${letter}`, (hart) => hart.store(hart.a + hart.imm, width, hart.b)],
  ...(letter === 'd'
    ? []
    : [[`l${letter}u`, (hart) => hart.setRd(hart.load(hart.a + hart.imm, width))] satisfies [string, Formula]]),
]);

/** The address of an atomic, which must be a multiple of the width. */
function aligned(hart: ReferenceHart, width: number, fault: number): bigint {
  const at = BigInt.asUintN(64, hart.a);
  if (at % BigInt(width) !== 0n) hart.trap(fault, at);
  return at;
}

const atomics = (['w', 'd'] as const).flatMap((letter): [string, Formula][] => {
  const width = widths[letter];
  const signed = (value: bigint) => BigInt.asIntN(bits(width), value);
  const unsigned = (value: bigint) => BigInt.asUintN(bits(width), value);
  /** The old value; where there is no memory, an atomic faults as a store does. */
  const old = (hart: ReferenceHart, at: bigint) => {
    const value = hart.read(at, width, CAUSE.storeAccess);
    return signed(value);
  };
  return [
    [
      `lr.${letter}`,
      (hart) => {
        const at = aligned(hart, width, CAUSE.loadMisaligned);
        hart.setRd(signed(hart.load(at, width)));
        hart.reservation = `${at} ${width}`;
      },
    ],
    [
      `sc.${letter}`,
      (hart) => {
        const at = aligned(hart, width, CAUSE.storeMisaligned);
        const value = hart.b;
        old(hart, at);
        const holds = hart.reservation === `${at} ${width}`;
        if (holds) hart.store(at, width, value);
        hart.reservation = undefined;
        hart.setRd(holds ? 0n : 1n);
      },
    ],
    ...Object.entries(atomicForms).map(([name, form]): [string, Formula] => [
      `${name}.${letter}`,
      (hart) => {
        const at = aligned(hart, width, CAUSE.storeMisaligned);
        const before = old(hart, at);
        hart.store(at, width, form(before, signed(hart.b), unsigned));
        hart.setRd(before);
      },
    ]),
  ];
});

const floatAccesses = (['w', 'd'] as const).flatMap((letter): [string, Formula][] => {
  const width = widths[letter];
  return [
    [
      `fl${letter}`,
      (hart) => {
        if (hart.floatState === 0) hart.illegal();
        const value = hart.load(hart.a + hart.imm, width);
        hart.f[hart.instruction.rd] = width === 4 ? BOX | value : value;
        hart.floatState = DIRTY;
      },
    ],
    [
      `fs${letter}`,
      (hart) => {
        if (hart.floatState === 0) hart.illegal();
        hart.store(hart.a + hart.imm, width, hart.f[hart.instruction.rs2]);
      },
    ],
  ];
});

export const memoryFormulas: readonly (readonly [string, Formula])[] = [
  ...integerAccesses,
  ...atomics,
  ...floatAccesses,
];
