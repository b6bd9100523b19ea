/** An address of any kind, translated to all others with every step: GVA to GPA to HVA, and back to the GVAs that map it. */
import { HYPERVISOR_BASE, HYPERVISOR_END } from '../hypervisor/layout';
import { entryFlags } from '../machine/pte';
import { DRAM_BASE } from '../engine/physical-memory';
import { hex, hex64 } from './format';
import type { Mapping, Mappings } from './page-tables/reverse';
import { findMappings } from './page-tables/reverse';
import type { Session } from './session';
import type { AccessKind, AddressKind, Target, Translation } from './target';

export interface TranslatedAddress {
  readonly kind: AddressKind;
  readonly address: bigint;
  /** For a GVA: the way through the target's page table. */
  readonly forward?: Translation;
  /** The guest whose memory it is, and where; undefined where it is nobody's. */
  readonly guest?: string;
  readonly gpa?: bigint;
  readonly hpa?: bigint;
  /** The virtual addresses that lead there. */
  readonly mappings: readonly Mapping[];
  readonly isCut: boolean;
  /** All of it in words. */
  readonly lines: readonly string[];
}

export function translateAddress(
  session: Session,
  target: Target,
  kind: AddressKind,
  address: bigint,
  access: AccessKind,
): TranslatedAddress {
  if (kind === 'gva') {
    const forward = target.translate(address, access);
    const { gpa, hpa } = forward;
    const back = gpa === undefined ? undefined : mappingsOf(session, target.guest, Number(gpa));
    return {
      ...answer(kind, address, back, [...forward.lines, ...mappingLines(session, back, address)]),
      forward,
      guest: target.guest,
      ...(gpa !== undefined && { gpa }),
      ...(hpa !== undefined && { hpa }),
    };
  }
  const place = kind === 'gpa' ? placeOfGpa(session, target, address) : placeOfHpa(session, address);
  const back = place.gpa === undefined ? undefined : mappingsOf(session, place.guest, Number(place.gpa));
  const { text, ...where } = place;
  return { ...answer(kind, address, back, [text, ...mappingLines(session, back)]), ...where };
}

function answer(
  kind: AddressKind,
  address: bigint,
  back: Mappings | undefined,
  lines: readonly string[],
): TranslatedAddress {
  return { kind, address, mappings: back?.found ?? [], isCut: back?.isCut ?? false, lines };
}

interface Place {
  readonly guest?: string;
  readonly gpa?: bigint;
  readonly hpa?: bigint;
  readonly text: string;
}

function placeOfGpa(session: Session, target: Target, gpa: bigint): Place {
  const { hpa, isDevice } = target.locate('gpa', gpa, 0n);
  const { guest } = target;
  const there = isDevice ? 'a device is there' : 'nothing is there';
  if (hpa === undefined) return { guest, gpa, text: `GPA ${hex(gpa)} is not memory of ${guest}: ${there}.` };
  if (session.system.kind === 'bare')
    return { guest, gpa, hpa: BigInt(hpa), text: `Physical address ${hex(gpa)} is RAM.` };
  const text = `GPA ${hex(gpa)} of ${guest} lies at HVA ${hex(hpa)} (the HPA is the same).`;
  return { guest, gpa, hpa: BigInt(hpa), text };
}

function placeOfHpa(session: Session, hpa: bigint): Place {
  const { system } = session;
  const at = hpa < 1n << 52n ? Number(hpa) : undefined;
  for (const { guest, toGpa } of system.pageTables.guests) {
    const gpa = at === undefined ? undefined : toGpa(at);
    if (gpa === undefined) continue;
    const text =
      system.kind === 'bare'
        ? `Physical address ${hex(hpa)} is RAM.`
        : `HPA ${hex(hpa)} (the HVA is the same) is GPA ${hex(gpa)} of ${guest}.`;
    return { guest, gpa: BigInt(gpa), hpa, text };
  }
  return { hpa, text: `HPA ${hex(hpa)} is no guest's memory: ${ownerOf(system.kind, at)}.` };
}

/** By the memory map. */
function ownerOf(kind: 'hypervisor' | 'bare', hpa: number | undefined): string {
  if (kind === 'bare' || hpa === undefined || hpa < DRAM_BASE) return 'it is outside RAM';
  if (hpa < HYPERVISOR_BASE) return "it is the SBI firmware's";
  if (hpa < HYPERVISOR_END) return "it is the hypervisor's own, for its page tables and trap contexts";
  return 'it belongs to none';
}

function mappingsOf(session: Session, guest: string | undefined, physical: number): Mappings | undefined {
  const tables = session.system.pageTables.guests.find((one) => one.guest === guest);
  return tables && findMappings(tables.spaces(), physical);
}

/** @param asked the GVA that was asked for: it needs not be told again */
function mappingLines(session: Session, back: Mappings | undefined, asked?: bigint): string[] {
  if (!back) return [];
  const kind = session.system.kind === 'bare' ? 'virtual address' : 'GVA';
  const others = back.found.filter(({ gva, isCurrent }) => gva !== asked || !isCurrent);
  const rows = others.map(({ gva, satp, asid, isCurrent, level, entryAddress, entry }) => {
    const space = isCurrent ? 'the current address space' : `satp ${hex64(satp)}`;
    return `  ${hex(gva)} in ${space} (ASID ${asid}), by the level-${level} entry at ${hex(entryAddress)} ${entryFlags(entry)}`;
  });
  const title = asked === undefined ? `Mapped at these ${kind}s:` : `Also mapped at these ${kind}s:`;
  const none = asked === undefined ? [`No ${kind} of a known address space maps it.`] : [];
  const cut = back.isCut ? ['The search was cut: there may be more.'] : [];
  return [...(rows.length > 0 ? [title, ...rows] : none), ...cut];
}
