/** Runs call-frame instructions (DWARF 5, 6.4.2 and 6.4.3) up to an address: where the caller's registers are. */
import type { ByteReader } from '../byte-reader';
import { instructionsOf } from './frame-section';
import type { CommonEntry, FrameEntry } from './frame-section';

/** How the canonical frame address is found. */
export type CfaRule =
  | { readonly kind: 'register'; readonly register: number; readonly offset: bigint }
  | { readonly kind: 'expression'; readonly bytes: Uint8Array };

/** Where the caller's value of one register is; `offset` rules count from the canonical frame address. */
export type RegisterRule =
  | { readonly kind: 'undefined' }
  | { readonly kind: 'same' }
  | { readonly kind: 'offset'; readonly offset: bigint }
  | { readonly kind: 'value-offset'; readonly offset: bigint }
  | { readonly kind: 'register'; readonly register: number }
  | { readonly kind: 'expression'; readonly bytes: Uint8Array }
  | { readonly kind: 'value-expression'; readonly bytes: Uint8Array };

/** The rules in force at one address. Registers without a rule keep to the calling convention. */
export interface UnwindRow {
  readonly cfa: CfaRule | undefined;
  readonly registers: ReadonlyMap<number, RegisterRule>;
  readonly returnAddressRegister: number;
  readonly isSignalFrame: boolean;
  /** The addresses that the row holds for. */
  readonly low: bigint;
  readonly high: bigint;
}

const MAX_SAVED_STATES = 100;
const MAX_RULES = 256;
const UNDEFINED: RegisterRule = { kind: 'undefined' };
const SAME: RegisterRule = { kind: 'same' };

class FrameMachine {
  cfa: CfaRule | undefined;
  rules = new Map<number, RegisterRule>();
  initial: ReadonlyMap<number, RegisterRule> = new Map();
  readonly saved: { cfa: CfaRule | undefined; rules: Map<number, RegisterRule> }[] = [];
  /** Set once the location passes the address that is asked for. */
  next: bigint | undefined;

  constructor(
    readonly common: CommonEntry,
    public location: bigint,
    readonly address: bigint,
    readonly addressOf: (fileAddress: bigint) => bigint,
  ) {}

  advance(units: number): void {
    this.moveTo(this.location + BigInt(units) * BigInt(this.common.codeAlignment));
  }

  moveTo(location: bigint): void {
    if (location > this.address) this.next = location;
    else this.location = location;
  }

  setRule(register: number, rule: RegisterRule, reader: ByteReader): void {
    if (this.rules.size >= MAX_RULES) reader.fail('a frame has rules for too many registers');
    this.rules.set(register, rule);
  }

  factored(value: bigint): bigint {
    return value * BigInt(this.common.dataAlignment);
  }

  restore(register: number): void {
    const rule = this.initial.get(register);
    if (rule) this.rules.set(register, rule);
    else this.rules.delete(register);
  }

  setCfa(reader: ByteReader, change: { register?: number; offset?: bigint }): void {
    const current = this.cfa?.kind === 'register' ? this.cfa : undefined;
    const register = change.register ?? current?.register;
    if (register === undefined) return reader.fail('a frame address is changed before it is defined');
    // GCC starts with DW_CFA_def_cfa_register alone, which means an offset of zero.
    const offset = change.offset ?? current?.offset ?? 0n;
    this.cfa = { kind: 'register', register, offset };
  }

  run(reader: ByteReader): void {
    while (!reader.isAtEnd && this.next === undefined) {
      const opcode = reader.u8();
      const low = opcode & 0x3f;
      const high = opcode >> 6;
      if (high === 1) this.advance(low);
      else if (high === 2) this.setRule(low, offsetRule(this.factored(reader.ulebBig())), reader);
      else if (high === 3) this.restore(low);
      else this.extended(opcode, reader);
    }
  }

  private extended(opcode: number, reader: ByteReader): void {
    const operation = OPERATIONS[opcode];
    if (!operation) return reader.fail(`the frame instruction 0x${opcode.toString(16)} is unknown`);
    operation(this, reader);
  }
}

const offsetRule = (offset: bigint): RegisterRule => ({ kind: 'offset', offset });
const valueOffsetRule = (offset: bigint): RegisterRule => ({ kind: 'value-offset', offset });
const block = (reader: ByteReader): Uint8Array => reader.bytesOf(reader.uleb());

type Operation = (machine: FrameMachine, reader: ByteReader) => void;

/** Sets the rule of the register that comes first. */
const rule =
  (read: (machine: FrameMachine, reader: ByteReader) => RegisterRule): Operation =>
  (machine, reader) => {
    const register = reader.uleb();
    machine.setRule(register, read(machine, reader), reader);
  };

const OPERATIONS: Readonly<Record<number, Operation>> = {
  /* nop */ 0x00: () => undefined,
  /* set_loc */ 0x01: (machine, reader) => machine.moveTo(machine.addressOf(reader.u64())),
  /* advance_loc1 */ 0x02: (machine, reader) => machine.advance(reader.u8()),
  /* advance_loc2 */ 0x03: (machine, reader) => machine.advance(reader.u16()),
  /* advance_loc4 */ 0x04: (machine, reader) => machine.advance(reader.u32()),
  /* offset_extended */ 0x05: rule((machine, reader) => offsetRule(machine.factored(reader.ulebBig()))),
  /* restore_extended */ 0x06: (machine, reader) => machine.restore(reader.uleb()),
  /* undefined */ 0x07: rule(() => UNDEFINED),
  /* same_value */ 0x08: rule(() => SAME),
  /* register */ 0x09: rule((_machine, reader) => ({ kind: 'register', register: reader.uleb() })),
  /* remember_state */ 0x0a: (machine, reader) => {
    if (machine.saved.length >= MAX_SAVED_STATES) reader.fail('too many frame states are remembered');
    machine.saved.push({ cfa: machine.cfa, rules: new Map(machine.rules) });
  },
  /* restore_state */ 0x0b: (machine, reader) => {
    const state = machine.saved.pop();
    if (!state) return reader.fail('no frame state is remembered');
    machine.cfa = state.cfa;
    machine.rules = state.rules;
  },
  /* def_cfa */ 0x0c: (machine, reader) => {
    const register = reader.uleb();
    machine.cfa = { kind: 'register', register, offset: reader.ulebBig() };
  },
  /* def_cfa_register */ 0x0d: (machine, reader) => machine.setCfa(reader, { register: reader.uleb() }),
  /* def_cfa_offset */ 0x0e: (machine, reader) => machine.setCfa(reader, { offset: reader.ulebBig() }),
  /* def_cfa_expression */ 0x0f: (machine, reader) => {
    machine.cfa = { kind: 'expression', bytes: block(reader) };
  },
  /* expression */ 0x10: rule((_machine, reader) => ({ kind: 'expression', bytes: block(reader) })),
  /* offset_extended_sf */ 0x11: rule((machine, reader) => offsetRule(machine.factored(reader.slebBig()))),
  /* def_cfa_sf */ 0x12: (machine, reader) => {
    const register = reader.uleb();
    machine.cfa = { kind: 'register', register, offset: machine.factored(reader.slebBig()) };
  },
  /* def_cfa_offset_sf */ 0x13: (machine, reader) =>
    machine.setCfa(reader, { offset: machine.factored(reader.slebBig()) }),
  /* val_offset */ 0x14: rule((machine, reader) => valueOffsetRule(machine.factored(reader.ulebBig()))),
  /* val_offset_sf */ 0x15: rule((machine, reader) => valueOffsetRule(machine.factored(reader.slebBig()))),
  /* val_expression */ 0x16: rule((_machine, reader) => ({ kind: 'value-expression', bytes: block(reader) })),
  /* GNU_args_size */ 0x2e: (_machine, reader) => reader.skipLeb(),
  /* GNU_negative_offset_extended */ 0x2f: rule((machine, reader) => offsetRule(-machine.factored(reader.ulebBig()))),
};

/**
 * The rules at an address of the entry's function.
 * @param addressOf the run-time address for an address of the file
 * @throws DwarfError when the instructions are damaged
 */
export function unwindRowAt(entry: FrameEntry, address: bigint, addressOf: (fileAddress: bigint) => bigint): UnwindRow {
  const { common } = entry;
  const machine = new FrameMachine(common, entry.low, address, addressOf);
  machine.run(common.instructions.copy());
  machine.initial = new Map(machine.rules);
  machine.run(instructionsOf(entry));
  return {
    cfa: machine.cfa,
    registers: machine.rules,
    returnAddressRegister: common.returnAddressRegister,
    isSignalFrame: common.isSignalFrame,
    low: machine.location,
    high: machine.next ?? entry.high,
  };
}
