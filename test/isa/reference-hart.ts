/** A hart for expected values: plain registers and a little memory, on which the formulas in `expected/` work. */

/** Where test programs stand: far enough from either end of RAM for every jump. */
export const CODE = 0x80200000n;
/** The bytes that programs may access, across a page border. */
export const PAGE_BORDER = 0x80081000n;
export const WINDOW = { start: PAGE_BORDER - 0x60n, size: 0xc0 } as const;
/** RAM ends here. */
export const RAM = { start: 0x80000000n, end: 0x80400000n } as const;

export type Privilege = 0 | 1 | 3;

/** Everything that an instruction can change. */
export interface HartImage {
  readonly x: BigUint64Array;
  readonly f: BigUint64Array;
  readonly fcsr: number;
  /** mstatus.FS: 0 off, 1 initial, 2 clean, 3 dirty. */
  readonly floatState: number;
  readonly privilege: Privilege;
  readonly pc: bigint;
  /** The bytes of WINDOW. */
  readonly window: Uint8Array;
  /** CSRs by number: those that matter. */
  readonly csrs: ReadonlyMap<number, bigint>;
}

export interface TrapTaken {
  readonly cause: number;
  readonly tval: bigint;
}

/** One instruction of a test program; what it has no field for is zero. */
export interface Instruction {
  /** The 32-bit instruction's name, also for a 16-bit one. */
  readonly name: string;
  readonly word: number;
  readonly length: 2 | 4;
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
  readonly rs3: number;
  readonly rm: number;
  readonly imm: bigint;
}

/** What one instruction does; a trap ends it. */
export type Formula = (hart: ReferenceHart) => void;

class Trapped {
  constructor(readonly trap: TrapTaken) {}
}

export const CAUSE = {
  illegal: 2,
  breakpoint: 3,
  loadMisaligned: 4,
  loadAccess: 5,
  storeMisaligned: 6,
  storeAccess: 7,
  ecall: 8,
} as const;

export class ReferenceHart implements HartImage {
  readonly x = new BigUint64Array(32);
  readonly f = new BigUint64Array(32);
  fcsr = 0;
  floatState = 0;
  privilege: Privilege = 3;
  pc = 0n;
  readonly window = new Uint8Array(WINDOW.size);
  csrs = new Map<number, bigint>();
  /** The instruction being done, and the address behind it, where it goes on unless it says otherwise. */
  instruction!: Instruction;
  next = 0n;
  /** The address and width of the last LR. */
  reservation: string | undefined;

  /** Puts the hart into this state. */
  set(image: HartImage): void {
    this.x.set(image.x);
    this.f.set(image.f);
    this.fcsr = image.fcsr;
    this.floatState = image.floatState;
    this.privilege = image.privilege;
    this.pc = image.pc;
    this.window.set(image.window);
    this.csrs = new Map(image.csrs);
    this.reservation = undefined;
  }

  /** Does the instructions one after the other. @returns the trap that ended them */
  run(program: readonly Instruction[], formulas: ReadonlyMap<string, Formula>): TrapTaken | undefined {
    for (const instruction of program) {
      const formula = formulas.get(instruction.name);
      if (formula === undefined) throw new Error(`There is no formula for ${instruction.name}.`);
      this.instruction = instruction;
      this.next = BigInt.asUintN(64, this.pc + BigInt(instruction.length));
      try {
        formula(this);
      } catch (thrown) {
        if (thrown instanceof Trapped) return thrown.trap;
        throw thrown;
      }
      this.pc = BigInt.asUintN(64, this.next);
    }
    return undefined;
  }

  /** rs1 as a signed number. */
  get a(): bigint {
    return BigInt.asIntN(64, this.x[this.instruction.rs1]);
  }

  /** rs2 as a signed number. */
  get b(): bigint {
    return BigInt.asIntN(64, this.x[this.instruction.rs2]);
  }

  get imm(): bigint {
    return this.instruction.imm;
  }

  /** Writes the low 64 bits to rd. */
  setRd(value: bigint): void {
    if (this.instruction.rd !== 0) this.x[this.instruction.rd] = value;
  }

  trap(cause: number, tval = 0n): never {
    throw new Trapped({ cause, tval });
  }

  illegal(): never {
    return this.trap(CAUSE.illegal, BigInt(this.instruction.word));
  }

  /** Reads an unsigned number; the address is taken modulo 2^64. */
  load(at: bigint, width: number): bigint {
    return this.read(at, width, CAUSE.loadAccess);
  }

  /** The same, with the cause of the trap where there is no memory. */
  read(at: bigint, width: number, fault: number): bigint {
    const bytes = this.bytes(BigInt.asUintN(64, at), width, fault);
    return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  /** Writes the low bytes of the value. */
  store(at: bigint, width: number, value: bigint): void {
    const bytes = this.bytes(BigInt.asUintN(64, at), width, CAUSE.storeAccess);
    for (let i = 0; i < width; i++) bytes[i] = Number((value >> BigInt(8 * i)) & 0xffn);
  }

  private bytes(at: bigint, width: number, fault: number): Uint8Array {
    const end = at + BigInt(width);
    if (at < RAM.start || at >= RAM.end) this.trap(fault, at);
    // Of an access that begins in RAM and ends beyond, the part beyond is at fault.
    if (end > RAM.end) this.trap(fault, RAM.end);
    const offset = Number(at - WINDOW.start);
    if (offset < 0 || offset + width > WINDOW.size) throw new Error(`0x${at.toString(16)} is outside the window.`);
    return this.window.subarray(offset, offset + width);
  }
}

const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

/** What differs between two images, a line each. */
export function differences(expected: HartImage, actual: HartImage): string[] {
  const found: string[] = [];
  const compare = (what: string, want: bigint | number | undefined, have: bigint | number | undefined) => {
    if (want !== have) found.push(`${what}: expected ${hex(want ?? -1)}, found ${hex(have ?? -1)}`);
  };
  for (let i = 0; i < 32; i++) {
    if (expected.x[i] !== actual.x[i]) compare(`x${i}`, expected.x[i], actual.x[i]);
    if (expected.f[i] !== actual.f[i]) compare(`f${i}`, expected.f[i], actual.f[i]);
  }
  compare('fcsr', expected.fcsr, actual.fcsr);
  compare('mstatus.FS', expected.floatState, actual.floatState);
  compare('the privilege', expected.privilege, actual.privilege);
  compare('pc', expected.pc, actual.pc);
  for (let i = 0; i < WINDOW.size; i++) {
    if (expected.window[i] !== actual.window[i]) {
      compare(`the byte at ${hex(WINDOW.start + BigInt(i))}`, expected.window[i], actual.window[i]);
    }
  }
  for (const [number, value] of expected.csrs) compare(`CSR ${hex(number)}`, value, actual.csrs.get(number));
  return found;
}
