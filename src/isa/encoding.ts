/** Major opcodes, masks and match words from which the 32-bit table entries are built (Unprivileged 24, opcode map). */

export const opcodes = {
  load: 0x03,
  loadFp: 0x07,
  miscMem: 0x0f,
  opImm: 0x13,
  auipc: 0x17,
  opImm32: 0x1b,
  store: 0x23,
  storeFp: 0x27,
  amo: 0x2f,
  op: 0x33,
  lui: 0x37,
  op32: 0x3b,
  madd: 0x43,
  msub: 0x47,
  nmsub: 0x4b,
  nmadd: 0x4f,
  opFp: 0x53,
  branch: 0x63,
  jalr: 0x67,
  jal: 0x6f,
  system: 0x73,
} as const;

/** Which bits an entry fixes, named after the last field that takes part. */
export const masks = {
  opcode: 0x0000007f,
  funct3: 0x0000707f,
  funct7: 0xfe00707f,
  /** Fused multiply-add: the format stands in bits 26:25, above it rs3. */
  fused: 0x0600007f,
  /** Floating point with a rounding mode in funct3's place: two register operands, or one and a selector in rs2's. */
  rounded: 0xfe00007f,
  roundedRs2: 0xfff0007f,
  /** One register operand, a selector in rs2's place. */
  selected: 0xfff0707f,
  /** Six-bit shift amounts leave only funct6. */
  funct6: 0xfc00707f,
  /** Atomics: `aq` and `rl` stay free. */
  funct5: 0xf800707f,
  /** LR: `aq` and `rl` stay free, rs2 is zero. */
  funct5Rs2: 0xf9f0707f,
  /** Operations on one register: rs2's field belongs to the opcode. */
  funct7Rs2: 0xfff0707f,
  /** Cache-block operations: the immediate belongs to the opcode, rd is zero. */
  blockOperation: 0xfff07fff,
  /** SFENCE.VMA: rs1 and rs2 stay free, rd is zero. */
  funct7Rd: 0xfe007fff,
  whole: 0xffffffff,
} as const;

/** The word with these fields and all others zero. */
export function fields(opcode: number, funct3 = 0, funct7 = 0): number {
  return ((funct7 << 25) | (funct3 << 12) | opcode) >>> 0;
}
