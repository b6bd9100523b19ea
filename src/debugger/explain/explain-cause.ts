/** What can be said of an exception beyond its name: why an instruction is illegal, what a call asks for. */
import { csrName } from '../../isa/csr-names';
import { csrByNumber } from '../../isa/csrs';
import { decode } from '../../isa/decode';
import type { Decoded } from '../../isa/instruction';
import { isImplemented, switchableExtensions } from '../../isa/extensions';
import { hex } from '../format';
import type { AccessKind, ModeName, Target } from '../target';

const CSR_FORMATS: readonly string[] = ['csr', 'csri'];
const LEVELS: Readonly<Record<ModeName, number>> = { U: 0, vU: 0, S: 1, vS: 1, M: 3 };
const NAMES = ['U', 'S', 'H', 'M'];
const A0 = 10;
const A7 = 17;
const ARGUMENTS = 6;

/** The kind of access that a page fault or an access fault is about, by its code (Privileged table 3.6). */
export function accessOfCause(code: number): AccessKind | undefined {
  return ACCESS_OF_CAUSE[code];
}

const ACCESS_OF_CAUSE: Readonly<Record<number, AccessKind>> = {
  1: 'fetch',
  5: 'load',
  7: 'store',
  12: 'fetch',
  13: 'load',
  15: 'store',
};

/** Why an address is refused for not being aligned, in one sentence; undefined for other causes. */
export function explainMisaligned(code: number, address: bigint): string | undefined {
  if (code === 0) return `${hex(address)} is odd, and instructions begin at even addresses (Unprivileged 1.5).`;
  if (code !== 4 && code !== 6) return undefined;
  const what = code === 4 ? 'LR' : 'SC or the AMO';
  return (
    `${hex(address)} is not a multiple of the size of the access, as ${what} needs (Unprivileged 8.2, 8.4); ` +
    'plain loads and stores may be misaligned here.'
  );
}

/** Why the instruction is refused, in one sentence; undefined when decoding it does not tell. */
export function explainIllegal(target: Target, pc: bigint): string | undefined {
  const memory = target.memory('gva');
  const bytes = memory.read(pc, 4) ?? memory.read(pc, 2);
  if (!bytes) return undefined;
  const word = bytes.reduce((sum, byte, index) => sum + byte * 2 ** (8 * index), 0);
  const decoded = decode(word);
  if (!decoded) return `${hex((word & 3) === 3 ? word : word & 0xffff)} is no instruction of this machine.`;
  if (CSR_FORMATS.includes(decoded.instruction.format)) return explainCsrAccess(decoded, target.mode);
  return explainExtension(decoded, target.mode);
}

/** Nothing but their absence makes instructions of these illegal. */
const UNCONDITIONAL: readonly string[] = ['Zba', 'Zbb', 'Zbs', 'Zicond'];

function explainExtension({ instruction: { name, extension } }: Decoded, mode: ModeName): string | undefined {
  if (!switchableExtensions.some((one) => one === extension)) return undefined;
  const who = mode.startsWith('v') ? 'the guest' : 'the machine';
  const otherwise = UNCONDITIONAL.includes(extension) ? '' : `, or has not enabled in ${mode}-mode`;
  return `${name} belongs to the extension ${extension}, which ${who} does not have${otherwise}.`;
}

function explainCsrAccess({ imm, instruction, rs1 }: Decoded, mode: ModeName): string | undefined {
  const csr = csrByNumber(imm);
  if (!csr || !isImplemented(csr.extension)) return `This machine has no CSR ${csrName(imm) ?? hex(imm)}.`;
  if (csr.privilege > LEVELS[mode]) {
    return `CSR ${csr.name} needs ${NAMES[csr.privilege]}-mode, and the code runs in ${mode}.`;
  }
  const writes = instruction.name.startsWith('csrrw') || rs1 !== 0;
  return csr.readOnly && writes ? `CSR ${csr.name} is read-only.` : undefined;
}

/** The registers by which a program asks its kernel, or a kernel its firmware, for something. */
export function describeCall(target: Target): string {
  const values = Array.from({ length: ARGUMENTS }, (_, index) => `a${index} = ${hex(target.x(A0 + index))}`);
  return `Call number: a7 = ${hex(target.x(A7))}; arguments: ${values.join(', ')}.`;
}
