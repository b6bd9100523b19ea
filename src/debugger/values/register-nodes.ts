/** Registers as the user sees them: ABI names, hexadecimal, and the symbol that a value points to. */
import { floatRegisterNames, registerNames } from '../../isa/registers';
import { hex64 } from '../format';
import type { CodeFrame } from '../stack';
import { describeAddress } from './datum-node';
import type { ValueNode } from './value-node';

/** pc and the integer registers of a frame; settable in the innermost one. */
export function registerNodes(frame: CodeFrame, nameOf: (address: bigint) => string | undefined): ValueNode[] {
  const { target, isInnermost, machine } = frame;
  const pc: ValueNode = {
    name: 'pc',
    text: withSymbol(frame.pc, nameOf),
    type: 'program counter',
    expression: '$pc',
    address: frame.pc,
    ...(isInnermost ? { set: (value: bigint) => void (target.pc = value) } : {}),
  };
  const registers = registerNames.slice(1).map((name, index): ValueNode => {
    const number = index + 1;
    const value = machine.registers[number];
    const common = { name, type: `x${number}`, expression: `$${name}` };
    if (value === undefined) return { ...common, text: '<not known in this frame>' };
    return {
      ...common,
      text: withSymbol(value, nameOf),
      address: value,
      ...(isInnermost ? { set: (written: bigint) => target.setX(number, written) } : {}),
    };
  });
  return [pc, ...registers];
}

/** DWARF numbers of the floating-point registers begin here. */
const FIRST_FLOAT = 32;

/** The floating-point registers of a frame; changed by their 64 bits. */
export function floatRegisterNodes({ target, isInnermost, machine }: CodeFrame): ValueNode[] {
  return floatRegisterNames.map((name, number): ValueNode => {
    const value = machine.registers[FIRST_FLOAT + number];
    const common = { name, type: `f${number}`, expression: `$${name}` };
    if (value === undefined) return { ...common, text: '<not known in this frame>' };
    return {
      ...common,
      text: floatText(value),
      ...(isInnermost ? { set: (written: bigint) => target.setF(number, written) } : {}),
    };
  });
}

/** The number and the bits: a single-precision one when it is boxed as such (Unprivileged 12.2). */
export function floatText(bits: bigint): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits, true);
  const isSingle = bits >> 32n === 0xffffffffn;
  return `${isSingle ? `${view.getFloat32(0, true)}f` : view.getFloat64(0, true)} (${hex64(bits)})`;
}

function withSymbol(value: bigint, nameOf: (address: bigint) => string | undefined): string {
  const named = describeAddress(value, { nameOf });
  const at = named.indexOf(' ');
  return at < 0 ? hex64(value) : hex64(value) + named.slice(at);
}
