/**
 * Call stacks: the hypervisor's frame where it is about to act, then the guest's frames, innermost first, inlined functions
 * with frames of their own. Unwound only as far as asked for.
 */
import type { ExitRecord } from '../hypervisor/exit-record';
import type { InlineFrame, Registers, SourcePosition, StackFrame } from '../symbols/model';
import { describeExit } from './explain/describe-exit';
import { hex } from './format';
import type { SymbolModule, SymbolSpace } from './symbol-space';
import { isUserMode } from './target';
import type { Target } from './target';

export type Frame = HypervisorFrame | CodeFrame;

interface FrameCommon {
  readonly target: Target;
  /** Position in the stack, from 0. */
  readonly index: number;
  readonly name: string;
}

/** What the hypervisor is about to do. */
export interface HypervisorFrame extends FrameCommon {
  readonly kind: 'hypervisor';
  readonly record: ExitRecord;
}

/** A function of the guest, perhaps inlined into the one after it. */
export interface CodeFrame extends FrameCommon {
  readonly kind: 'code';
  readonly pc: bigint;
  /** Where execution is in the source; undefined without line information. */
  readonly position?: SourcePosition;
  readonly module?: SymbolModule;
  /** The machine frame that it is in, and that frame's caller. */
  readonly machine: StackFrame;
  readonly caller: StackFrame | undefined;
  /** 0 for the innermost function at this place, more for the functions that it is inlined into. */
  readonly inlineLevel: number;
  readonly isInlined: boolean;
  /** Registers can be changed: they are the processor's own. */
  readonly isInnermost: boolean;
}

/** More machine frames than a stack can sensibly have; a damaged one must end somewhere. */
const MAX_MACHINE_FRAMES = 4096;
const RETURN_ADDRESS = 1;
const STACK_POINTER = 2;

export class Stack {
  private readonly machineFrames: StackFrame[];
  private isComplete = false;
  private readonly found: Frame[] = [];
  /** Machine frames that `found` covers. */
  private covered = 0;
  /** The frame of the code that a trap interrupted. */
  private interrupted: StackFrame | undefined;

  /**
   * The stack of a target as it stands now.
   * @param exit what the hypervisor is about to do for it
   */
  constructor(
    readonly target: Target,
    private readonly symbols: SymbolSpace,
    exit?: ExitRecord,
  ) {
    const { pc } = target;
    const memory = target.memory('gva');
    const registers = registersOf(target);
    const module = symbols.moduleAt(pc, memory);
    this.machineFrames = [
      module?.file.startFrame(pc, registers, (address, size) => memory.read(address, size)) ?? {
        pc,
        lookupPc: pc,
        registers,
        how: 'start',
      },
    ];
    if (exit) {
      this.found.push({
        kind: 'hypervisor',
        target,
        index: 0,
        name: `hypervisor: ${describeExit(exit)}`,
        record: exit,
      });
    }
  }

  /** Frames from `start` on, at most `count`; fewer at the end of the stack. */
  frames(start: number, count: number): readonly Frame[] {
    this.extend(start + count);
    return this.found.slice(start, start + count);
  }

  /** The number of frames, once the end has been reached. */
  get total(): number | undefined {
    return this.isComplete && this.covered === this.machineFrames.length ? this.found.length : undefined;
  }

  /** The innermost frame of the guest. */
  get innermost(): CodeFrame {
    this.extend(this.found.length + 1);
    return this.found.find((frame) => frame.kind === 'code')!;
  }

  /**
   * The machine frame that called the innermost one; undefined when it cannot be found.
   * `isInterrupted`: it did not call, a trap took it to its handler, which is the innermost.
   */
  get caller(): { readonly frame: StackFrame; readonly isInterrupted: boolean } | undefined {
    this.unwindTo(2);
    const frame = this.machineFrames[1];
    return frame && { frame, isInterrupted: frame === this.interrupted };
  }

  /** Where the target's trap handler begins, while it is in the mode that handles traps. */
  private get handler(): bigint | undefined {
    const { target } = this;
    if (isUserMode(target.mode)) return undefined;
    const stvec = target.csrSets[0]?.find('stvec')?.value;
    return stvec === undefined ? undefined : stvec & ~3n;
  }

  /** The code that a trap took the target out of. Its registers are known only before the handler saves them. */
  private interruptedCode(registers: Registers): StackFrame | undefined {
    const pc = this.target.csrSets[0]?.find('sepc')?.value;
    if (!pc || this.interrupted) return undefined;
    this.interrupted = { pc, lookupPc: pc, registers, how: 'return-address' };
    return this.interrupted;
  }

  private extend(count: number): void {
    while (this.found.length < count && this.covered < this.machineFrames.length) {
      // The caller recovers parameters that the callee no longer holds, so it is unwound first.
      this.unwindTo(this.covered + 2);
      this.cover(this.machineFrames[this.covered]!, this.machineFrames[this.covered + 1]);
      this.covered++;
    }
  }

  private cover(machine: StackFrame, caller: StackFrame | undefined): void {
    const memory = this.target.memory('gva');
    const module = this.symbols.moduleAt(machine.lookupPc, memory);
    const common = {
      kind: 'code' as const,
      target: this.target,
      pc: machine.pc,
      machine,
      caller,
      isInnermost: this.covered === 0,
      ...(module ? { module } : {}),
    };
    const chain = module?.file.inlineChain(machine.lookupPc) ?? [];
    if (chain.length === 0) {
      const name = this.symbols.nameOf(machine.lookupPc, memory) ?? hex(machine.pc);
      const line = module?.file.lineFor(machine.lookupPc);
      this.push({ ...common, name, inlineLevel: 0, isInlined: false, ...(line ? { position: line } : {}) });
    }
    for (const [inlineLevel, level] of chain.entries()) {
      const { name, isInlined } = level;
      this.push({ ...common, name, inlineLevel, isInlined, ...positionOf(level) });
    }
  }

  private push(frame: Omit<CodeFrame, 'index'>): void {
    const name = frame.machine === this.interrupted ? `${frame.name} (interrupted)` : frame.name;
    this.found.push({ ...frame, name, index: this.found.length });
  }

  private unwindTo(count: number): void {
    while (!this.isComplete && this.machineFrames.length < count) {
      const last = this.machineFrames[this.machineFrames.length - 1]!;
      const caller = this.callerOf(last);
      if (caller && this.machineFrames.length < MAX_MACHINE_FRAMES && isFurtherOut(caller, last)) {
        this.machineFrames.push(caller);
      } else {
        this.isComplete = true;
      }
    }
  }

  private callerOf(frame: StackFrame): StackFrame | undefined {
    const memory = this.target.memory('gva');
    // At its first instruction, a trap handler has all registers as they were.
    if (frame.how === 'start' && frame.pc === this.handler) return this.interruptedCode(frame.registers);
    if (frame.registers.length === 0) return undefined;
    const module = this.symbols.moduleAt(frame.lookupPc, memory);
    if (module) {
      const caller = module.file.unwind(frame, (address, size) => memory.read(address, size));
      if (caller) return caller;
      const isHandler = this.handler !== undefined && module.file.findFunction(frame.lookupPc)?.low === this.handler;
      return isHandler ? this.interruptedCode([]) : undefined;
    }
    // A jump to nowhere: where it came from is in ra, if it was a call.
    const from = frame.registers[RETURN_ADDRESS];
    if (frame.how !== 'start' || !from || !this.symbols.moduleAt(from - 1n, memory)) return undefined;
    return { pc: from, lookupPc: from - 1n, registers: frame.registers, how: 'return-address' };
  }
}

/** The registers by DWARF number. */
function registersOf(target: Target): Registers {
  return Array.from({ length: 64 }, (_, index) => (index < 32 ? target.x(index) : target.f(index - 32)));
}

/** The stack grows down, so callers lie higher; what does not is a damaged stack. */
function isFurtherOut(caller: StackFrame, callee: StackFrame): boolean {
  if (caller.pc === 0n) return false;
  const outer = caller.registers[STACK_POINTER];
  const inner = callee.registers[STACK_POINTER];
  if (outer === undefined || inner === undefined) return caller.pc !== callee.pc;
  return outer > inner || (outer === inner && caller.pc !== callee.pc && callee.how === 'start');
}

function positionOf(level: InlineFrame): { position?: SourcePosition } {
  return level.position ? { position: level.position } : {};
}
