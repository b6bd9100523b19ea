/**
 * Writes a program of many functions, no two alike, of which each is called once and every second one twice: the time goes
 * into meeting code, not into running it.
 */
const REGISTERS = ['a2', 'a3', 'a4', 'a5', 'a6', 't0', 't1', 't2'];
const OPERATIONS = ['add', 'sub', 'xor', 'or', 'and', 'sltu', 'addw', 'mul', 'sll', 'srl'];
const IMMEDIATE_OPERATIONS = ['addi', 'xori', 'ori', 'andi', 'addiw', 'slti'];
const SHIFTS = ['slli', 'srli', 'srai'];
const LOADS = [
  ['ld', 8],
  ['lw', 4],
  ['lhu', 2],
  ['lbu', 1],
] as const;
const STORES = [
  ['sd', 8],
  ['sw', 4],
] as const;
const LEAST_LENGTH = 6;
const MOST_LENGTH = 18;
const DATA_BYTES = 2048;

/** Numbers below a bound, the same in each run. */
type Random = (bound: number) => number;

function makeRandom(): Random {
  let state = 0x2545f491;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

/** @returns assembly with `main`, for as many functions as the program has rounds */
export function manyFunctions(count: number): string {
  const random = makeRandom();
  const pick = <T>(from: readonly T[]): T => from[random(from.length)];
  const register = () => pick(REGISTERS);

  const instruction = (): string => {
    switch (random(8)) {
      case 0:
      case 1:
      case 2:
        return `${pick(OPERATIONS)} ${register()}, ${register()}, ${register()}`;
      case 3:
      case 4:
        return `${pick(IMMEDIATE_OPERATIONS)} ${register()}, ${register()}, ${random(4096) - 2048}`;
      case 5:
        return `${pick(SHIFTS)} ${register()}, ${register()}, ${random(64)}`;
      case 6: {
        const [name, size] = pick(LOADS);
        return `${name} ${register()}, ${random(DATA_BYTES / size) * size}(a1)`;
      }
      default: {
        const [name, size] = pick(STORES);
        return `${name} ${register()}, ${random(DATA_BYTES / size) * size}(a1)`;
      }
    }
  };

  const lines = ['.text'];
  for (let number = 0; number < count; number++) {
    lines.push(`f${number}:`);
    const length = LEAST_LENGTH + random(MOST_LENGTH - LEAST_LENGTH);
    const branch = random(length);
    for (let i = 0; i < length; i++) {
      if (i === branch) lines.push(`${pick(['beq', 'bltu', 'bge'])} ${register()}, ${register()}, 1f`);
      lines.push(instruction());
    }
    lines.push('1:', `add a0, a0, ${register()}`, 'ret');
  }
  const addresses = Array.from({ length: count }, (_, number) => `.dword f${(number * 7919) % count}`);
  return `${[...lines, CALLER, ...addresses].join('\n')}\n${END}`;
}

/** Calls all functions of the table once, then every second one again. */
const CALLER = `
    .globl main
main:
    li      a0, 0
    la      a1, data
    li      s2, 8
pass:
    la      s0, table
    la      s1, table_end
next:
    ld      t0, 0(s0)
    jalr    t0
    add     s0, s0, s2
    bltu    s0, s1, next
    slli    s2, s2, 1
    li      t0, 16
    beq     s2, t0, pass
    mv      a1, a0
    la      a0, name
    call    print_result
    tail    finish
    .section .rodata
name:
    .asciz  "functions"
    .align  3
table:`;

const END = `table_end:
    .bss
    .align  3
data:
    .skip   ${DATA_BYTES}
`;
