/** Runs a few instructions on a real machine, from a given state to the state that they leave. */
import assert from 'node:assert/strict';
import type { ExtensionSwitches } from '../../src/isa/extensions';
import { F_REGISTERS, X_REGISTERS } from '../../src/engine/layout';
import { switchableExtensions } from '../../src/isa/extensions';
import { CSR } from '../../src/machine/csr-numbers';
import { Machine } from '../../src/machine/machine';
import type { HartImage, Instruction, TrapTaken } from './reference-hart';
import { RAM, WINDOW } from './reference-hart';

/** What executes the code; the translator takes over what runs for the second time. */
export type EngineKind = 'interpreter' | 'translator';

export interface ExecuteOptions {
  readonly engine: EngineKind;
  /**
   * 'free': until the zeros behind the program, or where it jumps to, trap. 'counted': exactly as many instructions as the
   * program has, with all translations forgotten before.
   */
  readonly pace: 'free' | 'counted';
  /** Whether the machine has all extensions that can be switched, or none. */
  readonly extensions: 'all' | 'none';
}

export interface Outcome extends HartImage {
  readonly trap: TrapTaken | undefined;
}

/** Any number of instructions that lets a machine get over a program, and not far beyond. */
const FREE = 1000;
const ALL_MEMORY = (1n << 54n) - 1n;
const NAPOT_RWX = 0x1fn;

const machines = new Map<string, MachineUnderTest>();

/**
 * Executes `program` at `state.pc`, alone in zeroed memory.
 * @returns the state afterwards; of an instruction that trapped, the state before the trap's entry. CSRs are those that
 * `state` names. Its arrays are valid until the next execution
 */
export function execute(program: readonly Instruction[], state: HartImage, options: ExecuteOptions): Outcome {
  const { extensions, engine } = options;
  const key = `${engine} ${extensions}`;
  let machine = machines.get(key);
  if (machine === undefined) {
    machine = new MachineUnderTest(extensions === 'all', engine === 'translator');
    machines.set(key, machine);
  }
  return machine.execute(program, state, options.pace);
}

class MachineUnderTest {
  private readonly machine: Machine;
  private readonly x: BigUint64Array;
  private readonly f: BigUint64Array;
  private readonly window: Uint8Array;
  /** What the last outcome consists of: made once, since there are many outcomes. */
  private readonly seen = {
    x: new BigUint64Array(32),
    f: new BigUint64Array(32),
    window: new Uint8Array(WINDOW.size),
  };
  private program: readonly Instruction[] = [];
  private codeAt = 0;
  /** What the CSRs that a state named held before. */
  private readonly changed = new Map<number, bigint>();
  private readonly mstatus: bigint;
  private onTrap: (trap: TrapTaken & { readonly pc: bigint }) => void = () => undefined;

  constructor(all: boolean, translated: boolean) {
    const extensions: ExtensionSwitches = Object.fromEntries(switchableExtensions.map((name) => [name, all]));
    const translator = translated ? 'eager' : 'off';
    this.machine = new Machine({ memoryBytes: Number(RAM.end - RAM.start), extensions, translator });
    const [hart] = this.machine.harts;
    const { buffer } = hart.state.xBytes;
    this.x = new BigUint64Array(buffer, X_REGISTERS, 32);
    this.f = new BigUint64Array(buffer, F_REGISTERS, 32);
    this.window = this.machine.memory.bytes(Number(WINDOW.start), WINDOW.size);
    hart.csrs.write(CSR.pmpaddr0, ALL_MEMORY);
    hart.csrs.write(CSR.pmpcfg0, NAPOT_RWX);
    this.mstatus = hart.csrs.read(CSR.mstatus);
    hart.onTrap = ({ cause, tval, pc }) => {
      this.onTrap({ cause, tval, pc });
      this.machine.requestStop();
      return 'take';
    };
  }

  execute(program: readonly Instruction[], state: HartImage, pace: 'free' | 'counted'): Outcome {
    this.prepare(program, state);
    const { machine } = this;
    const [hart] = machine.harts;
    const behind = Number(state.pc) + program.reduce((sum, { length }) => sum + length, 0);
    let outcome: Outcome | undefined;
    this.onTrap = ({ cause, tval, pc }) => {
      // Beyond the program's words every trap only says that it is over.
      const own = pc >= state.pc && pc < BigInt(behind);
      outcome ??= this.image(state, own ? { cause, tval } : undefined);
    };
    if (pace === 'counted') machine.engine.flushTlb();
    machine.run(pace === 'counted' ? program.length : FREE);
    if (outcome?.trap) {
      const { csrs } = hart;
      const entry = [csrs.read(CSR.mepc), csrs.read(CSR.mcause), csrs.read(CSR.mtval)];
      assert.deepEqual(entry, [outcome.pc, BigInt(outcome.trap.cause), outcome.trap.tval], 'mepc, mcause, mtval');
    }
    return outcome ?? this.image(state, undefined);
  }

  private prepare(program: readonly Instruction[], state: HartImage): void {
    const { memory, harts } = this.machine;
    const [hart] = harts;
    this.load(program, Number(state.pc));
    const window = Number(WINDOW.start);
    memory.load(window, state.window);
    hart.csrs.write(CSR.mstatus, this.mstatus);
    for (const [number, value] of this.changed) hart.csrs.write(number, value);
    this.changed.clear();
    for (const [number, value] of state.csrs) {
      if (!hart.csrs.has(number)) continue;
      this.changed.set(number, hart.csrs.read(number));
      hart.csrs.write(number, value);
    }
    this.x.set(state.x);
    this.f.set(state.f);
    hart.state.fcsr = state.fcsr;
    hart.state.floatState = state.floatState;
    hart.state.clearReservation();
    hart.waiting = false;
    hart.privilege = state.privilege;
    hart.state.pc = state.pc;
  }

  /** Places the program, unless it is there. */
  private load(program: readonly Instruction[], address: number): void {
    if (program === this.program && address === this.codeAt) return;
    const { memory } = this.machine;
    let old = this.codeAt;
    for (const { length } of this.program) {
      memory.write16(old, 0);
      if (length === 4) memory.write16(old + 2, 0);
      old += length;
    }
    let at = address;
    for (const { word, length } of program) {
      memory.write16(at, word & 0xffff);
      if (length === 4) memory.write16(at + 2, word >>> 16);
      at += length;
    }
    this.program = program;
    this.codeAt = address;
  }

  private image(before: HartImage, trap: TrapTaken | undefined): Outcome {
    const { state, csrs, privilege } = this.machine.harts[0];
    const { x, f, window } = this.seen;
    x.set(this.x);
    f.set(this.f);
    window.set(this.window);
    const named = [...before.csrs.keys()].filter((number) => csrs.has(number));
    return {
      ...this.seen,
      fcsr: state.fcsr,
      floatState: state.floatState,
      privilege,
      pc: state.pc,
      csrs: new Map(named.map((number) => [number, csrs.read(number)])),
      trap,
    };
  }
}
