/**
 * Where execution can leave the code of a line, found by decoding it. A step then runs freely to the first such place,
 * so that a loop on one line costs no more than it does without a debugger.
 */
import { writesFloat } from '../../engine/record';
import { decode } from '../../isa/decode';
import type { Action } from '../../isa/semantics';
import type { Decoded } from '../../isa/instruction';
import type { AddressRange } from '../../symbols/model';
import type { Target } from '../target';
import { LINK_REGISTERS, STACK_POINTER } from './instruction-kind';

/** Longer lines than this are stepped through instead. */
const MOST_BYTES = 4096n;
const LEAVES_MODE = ['sret', 'mret'];
const ENTERS_KERNEL = ['ecall', 'ebreak'];

/**
 * Addresses behind the line's branches and ends, and of those of its instructions whose outcome decoding does not tell.
 * @param stopsAtCalls calls and system calls are such instructions too; otherwise they are taken to return
 * @returns undefined when the code cannot be read, or moves the stack pointer: then frames could not be told apart
 */
export function lineExits(
  target: Target,
  ranges: readonly AddressRange[],
  stopsAtCalls: boolean,
): ReadonlySet<bigint> | undefined {
  const size = ranges.reduce((sum, { low, high }) => sum + (high - low), 0n);
  if (size > MOST_BYTES) return undefined;
  const places = new Set<bigint>();
  const addOutside = (address: bigint): void => {
    if (!ranges.some(({ low, high }) => address >= low && address < high)) places.add(address);
  };
  for (const { low, high } of ranges) {
    let pc = low;
    while (pc < high) {
      const decoded = decodeAt(target, pc);
      if (!decoded || movesStack(decoded)) return undefined;
      if (isOpen(decoded, stopsAtCalls)) places.add(pc);
      const jumpsTo = directTarget(decoded, pc);
      if (jumpsTo !== undefined) addOutside(jumpsTo);
      pc += BigInt(decoded.length);
    }
    addOutside(pc);
  }
  return places;
}

function decodeAt(target: Target, pc: bigint): Decoded | undefined {
  const memory = target.memory('gva');
  const bytes = memory.read(pc, 4) ?? memory.read(pc, 2);
  return bytes && decode(bytes.reduce((sum, byte, index) => sum + byte * 2 ** (8 * index), 0));
}

/** Actions that write no register; in their words rd's place holds part of a constant. */
const WITHOUT_RD: readonly Action['k'][] = ['branch', 'store', 'float-store', 'fence'];

function movesStack({ instruction, rd }: Decoded): boolean {
  return rd === STACK_POINTER && !WITHOUT_RD.includes(instruction.action.k) && !writesFloat(instruction);
}

const isCall = ({ instruction, rd }: Decoded): boolean =>
  instruction.action.k === 'jump' && LINK_REGISTERS.includes(rd);

/** Whether only executing the instruction tells where it leads, or it leads to code that is to be stepped into. */
function isOpen(decoded: Decoded, stopsAtCalls: boolean): boolean {
  const { action, name } = decoded.instruction;
  if (action.k === 'system') {
    return LEAVES_MODE.includes(action.op) || (stopsAtCalls && ENTERS_KERNEL.includes(action.op));
  }
  if (isCall(decoded)) return stopsAtCalls;
  return name === 'jalr';
}

/** Where a branch or a jump that is no call may lead. */
function directTarget(decoded: Decoded, pc: bigint): bigint | undefined {
  const { action, name } = decoded.instruction;
  const jumps = action.k === 'branch' || (name === 'jal' && !isCall(decoded));
  return jumps ? BigInt.asUintN(64, pc + BigInt(decoded.imm)) : undefined;
}
