/** What kind of step the instruction at the program counter is. */
import { decode } from '../../isa/decode';
import type { Target } from '../target';

export type InstructionKind = 'call' | 'environment' | 'return-from-trap' | 'other';

export interface NextInstruction {
  readonly kind: InstructionKind;
  /** In bytes. */
  readonly length: number;
}

/** Link registers of the calling convention (Unprivileged 2.5.1): a jump that writes one is a call. */
export const LINK_REGISTERS: readonly number[] = [1, 5];
export const STACK_POINTER = 2;
export const RETURN_ADDRESS = 1;
const ENVIRONMENT = ['ecall', 'ebreak'];
const RETURNS = ['sret', 'mret'];

/** The instruction that the target will execute next; undefined when it cannot be read. */
export function nextInstruction(target: Target): NextInstruction | undefined {
  const memory = target.memory('gva');
  const bytes = memory.read(target.pc, 4) ?? memory.read(target.pc, 2);
  if (!bytes) return undefined;
  const word = bytes.reduce((sum, byte, index) => sum + byte * 2 ** (8 * index), 0);
  const decoded = decode(word);
  if (!decoded) return { kind: 'other', length: (word & 3) === 3 ? 4 : 2 };
  const { action } = decoded.instruction;
  let kind: InstructionKind = 'other';
  if (action.k === 'jump' && LINK_REGISTERS.includes(decoded.rd)) kind = 'call';
  if (action.k === 'system' && ENVIRONMENT.includes(action.op)) kind = 'environment';
  if (action.k === 'system' && RETURNS.includes(action.op)) kind = 'return-from-trap';
  return { kind, length: decoded.length };
}
