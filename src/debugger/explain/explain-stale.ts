/** A use of a stale translation in words: what was used, what was changed, and by whom. */
import type { ExitRecordOf } from '../../hypervisor/exit-record';
import { placeOfExit, placeText } from '../exits/exit-place';
import { hex, hex64 } from '../format';
import type { SymbolSpace } from '../symbol-space';

export type StaleRecord = ExitRecordOf<'staleTranslation'>;

export const STALE_TITLE = 'Stale translation';

const ACCESSES: Readonly<Record<string, string>> = { fetch: 'Fetch from', load: 'Load from', store: 'Store to' };

/** One paragraph. */
export function explainStale(record: StaleRecord, symbols: SymbolSpace): string {
  const { access, gva, pc, entryAddress, entryBefore, entryNow, writerPc, writtenByGuest, writerCount, count } = record;
  const { vcpu, writerVcpu = vcpu } = record;
  const isOther = writerVcpu !== vcpu;
  const at = (address: bigint): string => {
    const place = placeText(placeOfExit(address, symbols));
    return place === '' ? hex(address) : `${hex(address)} ${place}`;
  };
  const distance = count - writerCount;
  const writer = writtenByGuest
    ? `by the instruction at ${at(writerPc)}${isOther ? ` on vCPU ${writerVcpu}` : ''}`
    : `by a device, the SBI or the debugger, while the guest stood at ${at(writerPc)}`;
  return (
    `${ACCESSES[access] ?? access} ${hex(gva)} at ${at(pc)}${isOther ? ` on vCPU ${vcpu}` : ''} uses a stale translation: the page-table entry at GPA ` +
    `${hex(entryAddress)} was changed from ${hex64(entryBefore)} to ${hex64(entryNow)} ${writer}, ` +
    `${distance === 1 ? 'one instruction' : `${distance} instructions`} before, and no sfence.vma for the address followed` +
    `${isOther ? ' there, or by a remote fence' : ''} (Privileged 4.2.1). ${whereTo(record)}`
  );
}

function whereTo({ hpa, newHpa }: StaleRecord): string {
  const old = `The access still goes to HPA ${hex(hpa)}`;
  if (newHpa === undefined) return `${old}; the table no longer allows it.`;
  return `${old}; the table leads to HPA ${hex(newHpa)} now.`;
}

/** Line by line. */
export function staleDetails(record: StaleRecord): string[] {
  const { entryLevel, view, shadowLevel, shadowEntry, reason } = record;
  return [
    `The guest's page table now: ${reason}`,
    `The changed entry is of level ${entryLevel}.`,
    `Shadow page table (view ${view}): an entry of level ${shadowLevel} holds the old translation: ${hex64(shadowEntry)}.`,
    'When execution goes on, the old translation is used, as hardware may do, and not told again until it is made anew.',
  ];
}
