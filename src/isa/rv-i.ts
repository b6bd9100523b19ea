/** RV64I, the base integer instructions (Unprivileged 2 and 5). */
import { fields, masks, opcodes } from './encoding';
import type { Format, Instruction } from './instruction';
import type { Action, CompareOp, Expr, Width } from './semantics';
import { binary, compare, constant, imm, pc, rs1, rs2, sext32, test, zext32 } from './semantics';

const entry = (
  name: string,
  match: number,
  mask: number,
  format: Format,
  action: Action,
  summary: string,
): Instruction => ({ name, extension: 'I', match, mask, format, action, summary });

const register = (name: string, funct3: number, funct7: number, value: Expr, summary: string): Instruction =>
  entry(name, fields(opcodes.op, funct3, funct7), masks.funct7, 'R', { k: 'compute', value }, summary);

const register32 = (name: string, funct3: number, funct7: number, value: Expr, summary: string): Instruction =>
  entry(name, fields(opcodes.op32, funct3, funct7), masks.funct7, 'R', { k: 'compute', value }, summary);

const immediate = (name: string, funct3: number, value: Expr, summary: string): Instruction =>
  entry(name, fields(opcodes.opImm, funct3), masks.funct3, 'I', { k: 'compute', value }, summary);

const shift = (name: string, funct3: number, funct7: number, value: Expr, summary: string): Instruction =>
  entry(name, fields(opcodes.opImm, funct3, funct7), masks.funct6, 'shift64', { k: 'compute', value }, summary);

const shift32 = (name: string, funct3: number, funct7: number, value: Expr, summary: string): Instruction =>
  entry(name, fields(opcodes.opImm32, funct3, funct7), masks.funct7, 'shift32', { k: 'compute', value }, summary);

const address = binary('add', rs1, imm);

const load = (name: string, funct3: number, width: Width, signed: boolean, summary: string): Instruction =>
  entry(name, fields(opcodes.load, funct3), masks.funct3, 'load', { k: 'load', width, signed, address }, summary);

const store = (name: string, funct3: number, width: Width, summary: string): Instruction =>
  entry(name, fields(opcodes.store, funct3), masks.funct3, 'S', { k: 'store', width, address, value: rs2 }, summary);

const branch = (name: string, funct3: number, op: CompareOp, summary: string): Instruction =>
  entry(
    name,
    fields(opcodes.branch, funct3),
    masks.funct3,
    'B',
    { k: 'branch', condition: compare(op, rs1, rs2) },
    summary,
  );

/** The shift amount of a 32-bit shift by a register: its low five bits. */
const amount32 = binary('and', rs2, constant(31));

export const rvI: readonly Instruction[] = [
  // Upper immediates and jumps
  entry(
    'lui',
    fields(opcodes.lui),
    masks.opcode,
    'U',
    { k: 'compute', value: imm },
    'Sets rd to a 20-bit constant shifted left by 12.',
  ),
  entry(
    'auipc',
    fields(opcodes.auipc),
    masks.opcode,
    'U',
    { k: 'compute', value: binary('add', pc, imm) },
    "Sets rd to this instruction's address plus a 20-bit constant shifted left by 12.",
  ),
  entry(
    'jal',
    fields(opcodes.jal),
    masks.opcode,
    'J',
    { k: 'jump', target: binary('add', pc, imm) },
    'Jumps to the target and sets rd to the address of the next instruction.',
  ),
  // Written `rd, imm(rs1)`, like a load.
  entry(
    'jalr',
    fields(opcodes.jalr),
    masks.funct3,
    'load',
    { k: 'jump', target: address },
    'Jumps to the address rs1 + imm (lowest bit cleared) and sets rd to the address of the next instruction.',
  ),

  // Branches
  branch('beq', 0, 'eq', 'Branches to the target if rs1 equals rs2.'),
  branch('bne', 1, 'ne', 'Branches to the target if rs1 differs from rs2.'),
  branch('blt', 4, 'lt', 'Branches to the target if rs1 is less than rs2, both signed.'),
  branch('bge', 5, 'ge', 'Branches to the target if rs1 is greater than or equal to rs2, both signed.'),
  branch('bltu', 6, 'ltu', 'Branches to the target if rs1 is less than rs2, both unsigned.'),
  branch('bgeu', 7, 'geu', 'Branches to the target if rs1 is greater than or equal to rs2, both unsigned.'),

  // Loads and stores
  load('lb', 0, 1, true, 'Loads a byte from memory into rd, sign-extended.'),
  load('lh', 1, 2, true, 'Loads a 16-bit value from memory into rd, sign-extended.'),
  load('lw', 2, 4, true, 'Loads a 32-bit value from memory into rd, sign-extended.'),
  load('ld', 3, 8, true, 'Loads a 64-bit value from memory into rd.'),
  load('lbu', 4, 1, false, 'Loads a byte from memory into rd, zero-extended.'),
  load('lhu', 5, 2, false, 'Loads a 16-bit value from memory into rd, zero-extended.'),
  load('lwu', 6, 4, false, 'Loads a 32-bit value from memory into rd, zero-extended.'),
  store('sb', 0, 1, 'Stores the lowest byte of rs2 to memory.'),
  store('sh', 1, 2, 'Stores the low 16 bits of rs2 to memory.'),
  store('sw', 2, 4, 'Stores the low 32 bits of rs2 to memory.'),
  store('sd', 3, 8, 'Stores the 64 bits of rs2 to memory.'),

  // Register and immediate
  immediate('addi', 0, binary('add', rs1, imm), 'Sets rd to rs1 plus a constant.'),
  immediate(
    'slti',
    2,
    test(compare('lt', rs1, imm)),
    'Sets rd to 1 if rs1 is less than a constant, both signed, else to 0.',
  ),
  immediate(
    'sltiu',
    3,
    test(compare('ltu', rs1, imm)),
    'Sets rd to 1 if rs1 is less than a constant (sign-extended, then both taken as unsigned), else to 0.',
  ),
  immediate('xori', 4, binary('xor', rs1, imm), 'Sets rd to rs1 exclusive-or a constant.'),
  immediate('ori', 6, binary('or', rs1, imm), 'Sets rd to rs1 or a constant, bit by bit.'),
  immediate('andi', 7, binary('and', rs1, imm), 'Sets rd to rs1 and a constant, bit by bit.'),
  shift('slli', 1, 0x00, binary('shl', rs1, imm), 'Shifts rs1 left by a constant, into rd.'),
  shift('srli', 5, 0x00, binary('shru', rs1, imm), 'Shifts rs1 right by a constant, filling with zeros, into rd.'),
  shift(
    'srai',
    5,
    0x20,
    binary('shrs', rs1, imm),
    'Shifts rs1 right by a constant, filling with its sign bit, into rd.',
  ),

  // Register and register
  register('add', 0, 0x00, binary('add', rs1, rs2), 'Sets rd to rs1 plus rs2.'),
  register('sub', 0, 0x20, binary('sub', rs1, rs2), 'Sets rd to rs1 minus rs2.'),
  register('sll', 1, 0x00, binary('shl', rs1, rs2), 'Shifts rs1 left by the low six bits of rs2, into rd.'),
  register(
    'slt',
    2,
    0x00,
    test(compare('lt', rs1, rs2)),
    'Sets rd to 1 if rs1 is less than rs2, both signed, else to 0.',
  ),
  register(
    'sltu',
    3,
    0x00,
    test(compare('ltu', rs1, rs2)),
    'Sets rd to 1 if rs1 is less than rs2, both unsigned, else to 0.',
  ),
  register('xor', 4, 0x00, binary('xor', rs1, rs2), 'Sets rd to rs1 exclusive-or rs2.'),
  register(
    'srl',
    5,
    0x00,
    binary('shru', rs1, rs2),
    'Shifts rs1 right by the low six bits of rs2, filling with zeros, into rd.',
  ),
  register(
    'sra',
    5,
    0x20,
    binary('shrs', rs1, rs2),
    'Shifts rs1 right by the low six bits of rs2, filling with its sign bit, into rd.',
  ),
  register('or', 6, 0x00, binary('or', rs1, rs2), 'Sets rd to rs1 or rs2, bit by bit.'),
  register('and', 7, 0x00, binary('and', rs1, rs2), 'Sets rd to rs1 and rs2, bit by bit.'),

  // 32-bit forms: they work on the low halves and sign-extend the 32-bit result.
  entry(
    'addiw',
    fields(opcodes.opImm32),
    masks.funct3,
    'I',
    { k: 'compute', value: sext32(binary('add', rs1, imm)) },
    'Adds a constant to rs1 in 32 bits and sets rd to the sign-extended sum.',
  ),
  shift32(
    'slliw',
    1,
    0x00,
    sext32(binary('shl', rs1, imm)),
    'Shifts the low 32 bits of rs1 left by a constant, into rd, sign-extended from 32 bits.',
  ),
  shift32(
    'srliw',
    5,
    0x00,
    sext32(binary('shru', zext32(rs1), imm)),
    'Shifts the low 32 bits of rs1 right by a constant, filling with zeros, into rd, sign-extended from 32 bits.',
  ),
  shift32(
    'sraiw',
    5,
    0x20,
    binary('shrs', sext32(rs1), imm),
    'Shifts the low 32 bits of rs1 right by a constant, filling with bit 31, into rd.',
  ),
  register32(
    'addw',
    0,
    0x00,
    sext32(binary('add', rs1, rs2)),
    'Adds rs1 and rs2 in 32 bits and sets rd to the sign-extended sum.',
  ),
  register32(
    'subw',
    0,
    0x20,
    sext32(binary('sub', rs1, rs2)),
    'Subtracts rs2 from rs1 in 32 bits and sets rd to the sign-extended difference.',
  ),
  register32(
    'sllw',
    1,
    0x00,
    sext32(binary('shl', rs1, amount32)),
    'Shifts the low 32 bits of rs1 left by the low five bits of rs2, into rd, sign-extended from 32 bits.',
  ),
  register32(
    'srlw',
    5,
    0x00,
    sext32(binary('shru', zext32(rs1), amount32)),
    'Shifts the low 32 bits of rs1 right by the low five bits of rs2, filling with zeros, into rd, sign-extended from 32 bits.',
  ),
  register32(
    'sraw',
    5,
    0x20,
    binary('shrs', sext32(rs1), amount32),
    'Shifts the low 32 bits of rs1 right by the low five bits of rs2, filling with bit 31, into rd.',
  ),

  // Ordering and environment. Reserved fence modes and register fields are ignored, as 2.7 asks of a base implementation.
  entry(
    'fence',
    fields(opcodes.miscMem),
    masks.funct3,
    'fence',
    { k: 'fence' },
    'Orders the earlier memory and device accesses named first before the later ones named second.',
  ),
  entry(
    'ecall',
    0x00000073,
    masks.whole,
    'none',
    { k: 'system', op: 'ecall' },
    'Calls the environment: traps to the system below, which finds the request in registers.',
  ),
  entry(
    'ebreak',
    0x00100073,
    masks.whole,
    'none',
    { k: 'system', op: 'ebreak' },
    'Raises a breakpoint exception, for a debugger.',
  ),
];
