/** The innermost frame of a target as it is at each moment: nothing of it is read or unwound before it is asked for. */
import type { Registers, StackFrame } from '../symbols/model';
import { Stack } from './stack';
import type { CodeFrame } from './stack';
import type { SymbolModule, SymbolSpace } from './symbol-space';
import type { Target } from './target';

/** What the meaning of names depends on. */
export type FrameView = Pick<CodeFrame, 'pc' | 'module' | 'machine' | 'inlineLevel' | 'isInnermost' | 'caller'>;

const REGISTER_COUNT = 64;
const FIRST_FLOAT = 32;

/** Good as long as the target stands at this pc, in this program, whatever its registers and memory are. */
export class LiveFrame implements FrameView {
  readonly pc: bigint;
  readonly module?: SymbolModule;
  readonly machine: StackFrame;
  readonly inlineLevel = 0;
  readonly isInnermost = true;

  constructor(
    private readonly target: Target,
    private readonly symbols: SymbolSpace,
  ) {
    const { pc } = target;
    const memory = target.memory('gva');
    const module = symbols.moduleAt(pc, memory);
    this.pc = pc;
    if (module) this.module = module;
    const registers = liveRegisters(target);
    const rule = module?.file.unwindRow(pc)?.cfa;
    this.machine = {
      pc,
      lookupPc: pc,
      registers,
      how: 'start',
      get cfa() {
        if (rule?.kind !== 'register') {
          return module?.file.startFrame(pc, registers, (address, size) => memory.read(address, size)).cfa;
        }
        const base = registers[rule.register];
        return base === undefined ? undefined : BigInt.asUintN(64, base + rule.offset);
      },
    };
  }

  get caller(): StackFrame | undefined {
    return new Stack(this.target, this.symbols).caller?.frame;
  }
}

/** The registers by DWARF number, each read when it is asked for. */
function liveRegisters(target: Target): Registers {
  const registers: (bigint | undefined)[] = [];
  for (let number = 0; number < REGISTER_COUNT; number++) {
    const get = number < FIRST_FLOAT ? () => target.x(number) : () => target.f(number - FIRST_FLOAT);
    Object.defineProperty(registers, number, { get, enumerable: true });
  }
  return registers;
}
