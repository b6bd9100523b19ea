/** Why an access fails, or would: a record for views, with what the hypervisor did about it. */
import type { ExitRecord } from '../../hypervisor/exit-record';
import { causeName } from '../../isa/causes';
import { DebuggerError } from '../errors';
import { hex } from '../format';
import type { Session } from '../session';
import type { AccessKind, ModeName, Target, Translation } from '../target';
import { accessOfCause, explainMisaligned } from './explain-cause';

/** An access that a user may ask about. */
export interface AskedAccess {
  readonly address: bigint;
  readonly access: AccessKind;
  /** The mode that it was made in; the target's present one unless given. */
  readonly mode?: ModeName;
  /** What it is, in a sentence; absent when the user named it. */
  readonly origin?: string;
}

export interface Explanation {
  readonly asked: AskedAccess;
  /** One sentence. */
  readonly sentence: string;
  readonly translation: Translation;
  /** What the hypervisor is about to do, or did last about an access to this very address. */
  readonly hypervisor?: string;
}

const INTERRUPT = 1n << 63n;
const SPP = 1n << 8n;

/**
 * The access that faulted: of the trap or VM exit that the session stopped at; else of the last exception that the kernel got,
 * as its CSRs say.
 * @throws DebuggerError when there is none
 */
export function lastFault(session: Session, target: Target): AskedAccess {
  return stoppedFault(session, target) ?? takenFault(target);
}

export function explainAccess(session: Session, target: Target, asked: AskedAccess): Explanation {
  const translation = target.translate(asked.address, asked.access, asked.mode);
  const hypervisor = whatHypervisorDid(session, target, asked);
  const sentence = translation.lines[0] ?? '';
  return { asked, sentence, translation, ...(hypervisor !== undefined && { hypervisor }) };
}

/** Line by line, for the console. */
export function explanationText({ asked, translation, hypervisor }: Explanation): string[] {
  const { rule, outcome, lines, mode } = translation;
  const result = {
    allowed: `The access is allowed in ${mode}.`,
    device: 'The access reaches a device.',
    'page-fault': `A ${asked.access} in ${mode} raises a page fault`,
    'access-fault': `A ${asked.access} in ${mode} raises an access fault`,
  }[outcome];
  return [
    ...(asked.origin === undefined ? [] : [asked.origin]),
    ...lines,
    rule ? `${result}: ${rule.name} (${rule.clause}).` : result,
    ...(hypervisor === undefined ? [] : [hypervisor]),
  ];
}

function stoppedFault(session: Session, target: Target): AskedAccess | undefined {
  const stop = session.stopped;
  if (stop?.target === target && stop.reason.kind === 'trap') {
    const { code, interrupt, tval, name } = stop.reason.trap;
    const access = interrupt ? undefined : accessOfCause(code);
    if (access) return { address: tval, access, origin: `${name}, about to be taken.` };
  }
  const { pending } = session.system;
  if (pending?.target !== target) return undefined;
  const { record } = pending;
  if (record.kind === 'inject') {
    const access = record.interrupt ? undefined : accessOfCause(record.cause);
    return access && { address: record.stval, access };
  }
  if (!('gva' in record) || record.gva === undefined) return undefined;
  const access = 'access' in record ? record.access : record.kind === 'tableWrite' ? 'store' : undefined;
  return isAccess(access) ? { address: record.gva, access } : undefined;
}

function isAccess(word: string | undefined): word is AccessKind {
  return word === 'fetch' || word === 'load' || word === 'store';
}

/** What scause, stval and sstatus say of the last trap into the kernel. */
function takenFault(target: Target): AskedAccess {
  const csr = (name: string): bigint => target.csrSets[0]?.find(name)?.value ?? 0n;
  const [scause, stval, sepc] = [csr('scause'), csr('stval'), csr('sepc')];
  const misaligned = explainMisaligned(Number(scause & 63n), stval);
  if ((scause & INTERRUPT) === 0n && misaligned && sepc !== 0n) throw new DebuggerError(misaligned);
  const access = (scause & INTERRUPT) === 0n ? accessOfCause(Number(scause)) : undefined;
  if (!access) {
    throw new DebuggerError(
      `The last trap into the kernel was no faulting access (scause: ${causeName(scause)}). ` +
        'Say which access: why ADDRESS [load|store|fetch].',
    );
  }
  const isGuest = target.mode.startsWith('v');
  const wasSupervisor = (csr('sstatus') & SPP) !== 0n;
  const mode: ModeName = wasSupervisor ? (isGuest ? 'vS' : 'S') : isGuest ? 'vU' : 'U';
  const origin = `The last trap into the kernel (scause, stval, sepc): ${causeName(scause)} at ${hex(sepc)} in ${mode}.`;
  return { address: stval, access, mode, origin };
}

function whatHypervisorDid(session: Session, target: Target, { address }: AskedAccess): string | undefined {
  const { system } = session;
  if (system.pending?.target === target) {
    const text = actionText(system.pending.record, 'is about to');
    if (text) return text;
  }
  const found = system.exits?.log?.last(1, { guest: target.guest, gva: address })[0];
  const text = found && actionText(found.record, 'last time did');
  return text && `${text} That was after ${found.record.count.toLocaleString('en-US')} instructions.`;
}

/** What was decided about an access. */
function actionText(record: ExitRecord, when: 'is about to' | 'last time did'): string | undefined {
  const is = when === 'is about to';
  const start = is ? 'The hypervisor is about to' : 'The last time that this address came to the hypervisor, it';
  switch (record.kind) {
    case 'shadowFill':
      return `${start} ${is ? 'fill' : 'filled'} the shadow entry of view ${record.view} in.`;
    case 'tableWrite':
      return `${start} ${is ? 'make' : 'made'} the write to the guest's page table.`;
    case 'mmio':
      return `${start} ${is ? 'emulate' : 'emulated'} the ${record.access} at the device ${record.device}.`;
    case 'staleTranslation':
      return `${start} ${is ? 'tell' : 'told'} of a stale translation, and ${is ? 'let' : 'let'} it be used on.`;
    case 'inject':
      return `${start} ${is ? 'forward' : 'forwarded'} ${record.name} to the guest's handler at ${hex(record.handler)}.`;
    default:
      return undefined;
  }
}
