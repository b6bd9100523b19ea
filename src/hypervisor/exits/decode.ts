/** From a trap of the hart to the VM exit that it is. */
import { FETCH, LOAD, STORE } from '../../engine/host';
import type { Access } from '../../engine/host';
import type { Decoded } from '../../isa/instruction';
import { FLOAT_STATE } from '../../machine/status';
import type { Trap } from '../../machine/traps';
import type { Vcpu } from '../vcpu';
import { csrAccess, isCsrInstruction } from './csr-access';
import { fetchInstruction } from './fetch';
import type { AnyExit } from './exit';
import { Illegal } from './illegal';
import { CAUSE, Inject } from './inject';
import { hostInterrupt } from './interrupt';
import { hostPageFault } from './page-fault';
import { SbiCall } from './sbi-call';
import { Ordering, Sfence } from './sfence';
import { Sret } from './sret';
import { Wfi } from './wfi';

const PAGE_FAULTS: ReadonlyMap<number, Access> = new Map([
  [CAUSE.fetchPage, FETCH],
  [CAUSE.loadPage, LOAD],
  [CAUSE.storePage, STORE],
]);

/** Privileged instructions of the guest kernel other than CSR accesses, by name. */
const PRIVILEGED: Readonly<Record<string, (vcpu: Vcpu, decoded: Decoded) => AnyExit>> = {
  sret: (vcpu, { word }) => new Sret(vcpu, word),
  'sfence.vma': (vcpu, decoded) => new Sfence(vcpu, decoded.word, decoded),
  'sinval.vma': (vcpu, decoded) => new Sfence(vcpu, decoded.word, decoded),
  'sfence.w.inval': (vcpu, { word }) => new Ordering(vcpu, word),
  'sfence.inval.ir': (vcpu, { word }) => new Ordering(vcpu, word),
  wfi: (vcpu, { word }) => new Wfi(vcpu, word),
};

/** The exit for a trap out of the guest. Changes nothing. */
export function exitFor(vcpu: Vcpu, trap: Trap): AnyExit {
  if (trap.interrupt) return hostInterrupt(vcpu, trap.cause);
  // Most exits are this one.
  if (trap.cause === CAUSE.illegalInstruction) return privilegedInstruction(vcpu, trap.tval);
  const access = PAGE_FAULTS.get(trap.cause);
  if (access !== undefined) return hostPageFault(vcpu, access, trap.tval);
  if (trap.cause === CAUSE.ecallFromUser && vcpu.virtualPrivilege === 1) return new SbiCall(vcpu);
  // Everything else is between the guest's programs and its kernel: forwarded as it is.
  return new Inject(vcpu, trap.cause, false, trap.tval);
}

/** @param stval the instruction word, or 0 from hardware that does not tell */
function privilegedInstruction(vcpu: Vcpu, stval: bigint): AnyExit {
  const word = Number(BigInt.asUintN(32, stval)) || (fetchInstruction(vcpu) ?? 0);
  const decoded = vcpu.decode(word);
  if (!decoded) return new Illegal(vcpu, word, 'There is no such instruction.');
  if (isCsrInstruction(decoded.instruction)) return csrAccess(vcpu, decoded);
  const { name } = decoded.instruction;
  const emulate = Object.hasOwn(PRIVILEGED, name) ? PRIVILEGED[name] : undefined;
  if (emulate && vcpu.virtualPrivilege === 1) return emulate(vcpu, decoded);
  return new Illegal(vcpu, word, whyIllegal(vcpu, decoded));
}

/** Why the hart refuses an instruction that exists, and the hypervisor does not execute it either. */
function whyIllegal(vcpu: Vcpu, { instruction: { name, extension } }: Decoded): string {
  if (Object.hasOwn(PRIVILEGED, name)) return `${name} is not allowed in user mode.`;
  if ((extension === 'F' || extension === 'D') && vcpu.csrs.floatingPoint.get() === FLOAT_STATE.off) {
    return `${name} needs the floating-point unit, which sstatus.FS has off.`;
  }
  if (name.startsWith('cbo.')) return `senvcfg does not allow ${name} in user mode.`;
  return `A guest may not execute ${name}.`;
}
