/**
 * What names mean in expressions: locals of the frame, fields of a pending VM exit, registers, CSRs, globals, functions and
 * labels, in this order. `$` in front means registers and CSRs only.
 */
import type { ExitRecord } from '../hypervisor/exit-record';
import { floatRegisterNumber, registerNumber } from '../isa/registers';
import type { EvaluationContext, Variable } from '../symbols/model';
import { ExpressionError } from './errors';
import { integer } from './expressions/evaluate';
import type { Environment, Value } from './expressions/evaluate';
import { hex64 } from './format';
import type { FrameView } from './live-frame';
import type { SymbolModule, SymbolSpace } from './symbol-space';
import type { AddressKind, Target } from './target';
import { csrInExpression } from './values/csr-nodes';
import { constantDatum } from './values/datum';
import type { Datum } from './values/datum';
import { describeAddress } from './values/datum-node';
import { placeOf } from './values/place';
import type { Memory } from './values/place';
import { recordField } from './values/record-nodes';
import { floatText } from './values/register-nodes';

export class TargetEnvironment implements Environment {
  readonly memory: Memory;
  /** How to read what a name means, once that has been found out; undefined for names that mean nothing. */
  private readonly readers = new Map<string, (() => Value | undefined) | undefined>();
  private visible: readonly Variable[] | undefined;
  private context: EvaluationContext | undefined;

  /**
   * @param frame for locals, and for registers as they are there; without it, the target's registers and no locals
   * @param record the VM exit whose fields are names
   */
  constructor(
    private readonly target: Target,
    private readonly symbols: SymbolSpace,
    private readonly frame?: FrameView,
    private readonly record?: ExitRecord,
  ) {
    this.memory = target.memory('gva');
  }

  /** What names mean is found out once: one environment may serve for as long as the frame is of the same place in code. */
  lookup(name: string): Value | undefined {
    if (!this.readers.has(name)) this.readers.set(name, this.reader(name));
    return this.readers.get(name)?.();
  }

  memoryOf(space: AddressKind): Memory {
    return this.target.memory(space);
  }

  /** Parameters and locals that the frame can see, innermost block first, shadowed ones left out. */
  variables(): readonly Variable[] {
    const { frame } = this;
    if (!frame?.module) return [];
    this.visible ??= frame.module.file.variablesInScope(frame.machine.lookupPc, frame.inlineLevel);
    const seen = new Set<string>();
    return this.visible.filter((variable) => !seen.has(variable.name) && seen.add(variable.name));
  }

  /** The value of a variable of the frame's program. */
  datum(variable: Variable, module: SymbolModule): Datum {
    const { target, frame, memory } = this;
    const context = (this.context ??= evaluationContext(target, frame, memory));
    const set = frame?.isInnermost
      ? (register: number, value: bigint) => setRegister(target, register, value)
      : undefined;
    const place = placeOf(module.file.locate(variable, context), context, memory, set);
    return { type: variable.type, place, offset: 0 };
  }

  private reader(name: string): (() => Value | undefined) | undefined {
    if (name.startsWith('$')) return this.processor(name.slice(1));
    const { record } = this;
    return (
      this.local(name) ??
      (record && recordField(record, name) ? () => recordField(record, name) : undefined) ??
      this.processor(name) ??
      this.global(name) ??
      this.symbol(name)
    );
  }

  private local(name: string): (() => Value) | undefined {
    const variable = this.variables().find((candidate) => candidate.name === name);
    const module = this.frame?.module;
    return variable && module && (() => ({ kind: 'data', datum: this.datum(variable, module) }));
  }

  /** Registers and CSRs. */
  private processor(name: string): (() => Value | undefined) | undefined {
    const { target, frame } = this;
    if (name === 'pc') return () => this.register('pc', frame?.pc ?? target.pc, (value) => void (target.pc = value));
    const number = registerNumber(name);
    if (number !== undefined) return () => this.integerRegister(name, number);
    const float = floatRegisterNumber(name);
    if (float !== undefined) return () => this.floatRegister(name, float);
    if (name === 'mode' || name === 'privilege') return () => ({ kind: 'text', value: target.mode });
    if (name === 'hart') return () => integer(BigInt(target.hart));
    if (name === 'guest') return () => ({ kind: 'text', value: target.guest });
    const isHost = name.startsWith('host_');
    for (const set of target.csrSets) {
      if (isHost && set.kind !== 'host') continue;
      const csrName = isHost ? name.slice('host_'.length) : name;
      if (!set.find(csrName)) continue;
      return () => {
        const csr = set.find(csrName);
        return csr && csrInExpression(csr, set);
      };
    }
    return undefined;
  }

  private integerRegister(name: string, number: number): Value {
    const { target, frame } = this;
    const value = frame ? frame.machine.registers[number] : target.x(number);
    if (value === undefined) throw new ExpressionError(`Register ${name} is not known in this frame.`);
    return this.register(name, value, (written) => target.setX(number, written));
  }

  private register(name: string, value: bigint, assign: (value: bigint) => void): Value {
    const text = (): string => {
      const named = describeAddress(value, { nameOf: (address) => this.symbols.nameOf(address, this.memory) });
      const at = named.indexOf(' ');
      return at < 0 ? hex64(value) : hex64(value) + named.slice(at);
    };
    const canSet = !this.frame || this.frame.isInnermost;
    return {
      ...integer(value),
      node: () => ({ name, text: text(), type: 'register', address: value, expression: `$${name}` }),
      ...(canSet ? { assign } : {}),
    };
  }

  /** In expressions, a floating-point register is its 64 bits. */
  private floatRegister(name: string, number: number): Value {
    const value = this.frame ? this.frame.machine.registers[32 + number] : this.target.f(number);
    if (value === undefined) throw new ExpressionError(`Register ${name} is not known in this frame.`);
    const canSet = !this.frame || this.frame.isInnermost;
    return {
      ...integer(value),
      node: () => ({ name, text: floatText(value), type: 'register', expression: `$${name}` }),
      ...(canSet ? { assign: (written: bigint) => this.target.setF(number, written) } : {}),
    };
  }

  private global(name: string): (() => Value) | undefined {
    const found = this.symbols.findGlobal(name, this.frame?.module, this.frame?.machine.lookupPc);
    return found && (() => ({ kind: 'data', datum: this.datum(found.variable, found.module) }));
  }

  /** A function or label: its address. */
  private symbol(name: string): (() => Value) | undefined {
    const found = this.symbols.findSymbol(name, this.frame?.module);
    if (!found) return undefined;
    const type = { kind: 'pointer', name: found.symbol.kind, size: 8, flavour: 'pointer', target: undefined } as const;
    return () => ({ kind: 'data', datum: constantDatum(type, found.symbol.address) });
  }
}

/** What finding a variable takes; of the frame, nothing is read before it is asked for. */
function evaluationContext(target: Target, frame: FrameView | undefined, memory: Memory): EvaluationContext {
  return {
    pc: frame?.machine.lookupPc ?? target.pc,
    registers: frame?.machine.registers ?? [],
    get cfa() {
      return frame?.machine.cfa;
    },
    readMemory: (address, size) => memory.read(address, size),
    get caller() {
      return frame?.caller;
    },
  };
}

/** DWARF register numbers: 0 to 31 integer, 32 to 63 floating-point. */
function setRegister(target: Target, register: number, value: bigint): void {
  if (register < 32) target.setX(register, value);
  else target.setF(register - 32, value);
}
