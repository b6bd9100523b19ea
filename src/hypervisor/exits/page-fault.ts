/**
 * A host page fault: the guest used an address for which the shadow page table has no entry, or not that right. The
 * guest's own page table decides what it is: a fault of the guest, a device, or an entry to be filled in.
 */
import { FETCH, LOAD, STORE } from '../../engine/host';
import type { Access } from '../../engine/host';
import { makeEntry, PTE_W } from '../../machine/pte';
import { PageWalker, walkPageTable } from '../../machine/walk';
import { explainWalk } from '../../machine/walk-explain';
import type { Gpa, Hpa, Level } from '../addresses';
import { LEVEL_SIZE } from '../addresses';
import { BARE_ENTRY_BITS, dependsOnMxr, shadowBits } from '../shadow/permissions';
import { PTE_JOINED } from '../shadow/view';
import type { Vcpu } from '../vcpu';
import { fetchInstruction } from './fetch';
import { translate } from '../guest-walk';
import type { AnyExit, Exit } from './exit';
import { accessFault, accessName, pageFault } from './inject';
import { mmioAccess } from './mmio';
import { tableWrite } from './table-write';
import { isHarmless, StaleTranslation, suspectFor } from './stale-translation';

/** A guest leaf: where it is, its low half now, and the bits that the access sets in it. */
interface GuestLeaf {
  /** Undefined for Bare, where no entry exists. */
  readonly address?: Gpa;
  readonly level: Level;
  readonly low: number;
  readonly high: number;
  readonly bitsToSet: number;
  /** One of 16 pages that the leaf joins (Svnapot). */
  readonly joined: boolean;
  /** The entries read on the way, root first, where somebody wants to know. */
  readonly path: readonly Gpa[];
}

const BARE_LEAF: GuestLeaf = { level: 2, low: BARE_ENTRY_BITS, high: 0, bitsToSet: 0, joined: false, path: [] };

const walker = new PageWalker();

/** The exit for a page fault of the hart at `gva`. */
export function hostPageFault(vcpu: Vcpu, hostAccess: Access, gva: bigint): AnyExit {
  const access = accessOf(vcpu, hostAccess, gva);
  if (vcpu.csrs.bare) return memoryAccess(vcpu, access, gva, bareAddress(gva), BARE_LEAF);

  const failure = walker.walk(
    Number(gva & 0xffff_ffffn),
    Number(gva >> 32n),
    access,
    vcpu.walkContext(),
    vcpu.guest.entrySource,
  );
  const suspect = suspectFor(vcpu, access, gva);
  if (suspect) {
    const hpa = failure === undefined ? vcpu.guest.memory.toHpa(walker.address) : undefined;
    if (!isHarmless(failure, suspect, hpa)) {
      return new StaleTranslation(vcpu, access, gva, suspect, hpa, () => explainFault(vcpu, access, gva));
    }
  }
  if (failure === 'entry-unreadable') {
    return accessFault(vcpu, access, gva, {
      gpa: walker.entryAddress[walker.count],
      reason: () => explainFault(vcpu, access, gva),
    });
  }
  if (failure !== undefined) return pageFault(vcpu, access, gva, () => explainFault(vcpu, access, gva));
  const last = walker.count - 1;
  return memoryAccess(vcpu, access, gva, walker.address, {
    address: walker.entryAddress[last],
    level: walker.level as Level,
    low: walker.entryLow[last],
    high: walker.entryHigh[last],
    bitsToSet: walker.bitsToSet,
    joined: walker.contiguous,
    path: vcpu.guest.shadow.protection || vcpu.guest.stale ? walker.entryAddress.slice(0, walker.count) : [],
  });
}

/**
 * The access that decides for an instruction of which the hart says that it may not store. Cache-block management asks for
 * less: it may access what can be loaded, too (Cache-Block Management 2.5.3).
 */
function accessOf(vcpu: Vcpu, access: Access, gva: bigint): Access {
  if (access !== STORE || !vcpu.hart.extensions.has('Zicbom')) return access;
  const name = vcpu.decode(fetchInstruction(vcpu) ?? 0)?.instruction.name ?? '';
  if (name !== 'cbo.inval' && name !== 'cbo.clean' && name !== 'cbo.flush') return access;
  return vcpu.csrs.bare || translate(vcpu, gva, LOAD) !== undefined ? LOAD : STORE;
}

/** What is at the GPA decides. */
function memoryAccess(vcpu: Vcpu, access: Access, gva: bigint, gpa: Gpa, leaf: GuestLeaf): AnyExit {
  const { memory, devices } = vcpu.guest;
  const hpa = memory.toHpa(gpa);
  const before = () => setLeafBits(vcpu, leaf);
  if (hpa !== undefined) {
    const isTable = access === STORE && vcpu.guest.shadow.isProtected(gpa);
    return isTable ? tableWrite(vcpu, gva, gpa, hpa, before) : new ShadowFill(vcpu, access, gva, gpa, hpa, leaf);
  }
  if (access !== FETCH && devices.bus.deviceAt(gpa)) return mmioAccess(vcpu, access, gva, gpa, before);
  return accessFault(vcpu, access, gva, { gpa, before, reason: () => explainNothing(vcpu, access, gpa) });
}

/** In Bare, addresses are physical, and wider than any physical address is nowhere. */
function bareAddress(gva: bigint): Gpa {
  return gva <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(gva) : Number.MAX_SAFE_INTEGER;
}

function setLeafBits(vcpu: Vcpu, leaf: GuestLeaf): void {
  if (leaf.address !== undefined && leaf.bitsToSet !== 0) vcpu.guest.memory.setEntryBits(leaf.address, leaf.bitsToSet);
}

function explainFault(vcpu: Vcpu, access: Access, gva: bigint): string {
  const { memory } = vcpu.guest;
  const walk = walkPageTable(gva, access, vcpu.walkContext(), (address) => memory.readEntry(address));
  return explainWalk(walk, gva, access)[0];
}

function explainNothing(vcpu: Vcpu, access: Access, gpa: Gpa): string {
  const device = vcpu.guest.devices.bus.deviceAt(gpa);
  const where = `GPA 0x${gpa.toString(16)}`;
  return device
    ? `${where} is the device ${device.name}, which cannot be executed.`
    : `${where} is neither memory of the guest nor one of its devices (${accessName(access)}).`;
}

class ShadowFill implements Exit<'shadowFill'> {
  readonly kind = 'shadowFill';

  constructor(
    private readonly vcpu: Vcpu,
    private readonly access: Access,
    private readonly gva: bigint,
    private readonly gpa: Gpa,
    private readonly hpa: Hpa,
    private readonly leaf: GuestLeaf,
  ) {}

  get subject(): string {
    return this.vcpu.view.kind;
  }

  fields() {
    const { vcpu, leaf, access } = this;
    const view = vcpu.view;
    const level = this.shadowLevel;
    const before = view.find(Number(this.gva & 0xffff_ffffn), Number(this.gva >> 32n));
    return {
      gva: this.gva,
      access: accessName(access),
      gpa: this.gpa,
      hpa: this.hpa,
      satp: vcpu.csrs.satp,
      view: view.kind,
      guestLevel: leaf.level,
      ...(leaf.address !== undefined && {
        guestEntryAddress: leaf.address,
        guestEntryBefore: entryOf(leaf, 0),
        guestEntryAfter: entryOf(leaf, leaf.bitsToSet),
      }),
      shadowLevel: level,
      shadowEntryBefore: before.entry,
      shadowEntryAfter: makeEntry(pageStart(this.hpa, level), this.shadowBits),
    };
  }

  perform(): undefined {
    const { vcpu, leaf } = this;
    const level = this.shadowLevel;
    setLeafBits(vcpu, leaf);
    const { view } = vcpu;
    const page = pageStart(this.hpa, level);
    vcpu.guest.shadow.map(view, this.gva, level, leaf.level, page, this.shadowBits, leaf.path);
    if (dependsOnMxr(leaf.low, view.kind)) view.reliesOnMxr = true;
    vcpu.guest.stale?.filled(view, Number(this.gva & 0xffff_ffffn), Number(this.gva >> 32n), leaf.path);
  }

  private get shadowLevel(): Level {
    const isWritable = (this.shadowBits & PTE_W) !== 0;
    return this.vcpu.guest.shadow.levelFor(this.gpa, this.leaf.level, isWritable);
  }

  private get shadowBits(): number {
    const { vcpu, leaf } = this;
    const bits = shadowBits(leaf.low | leaf.bitsToSet, vcpu.view.kind, vcpu.csrs.mxr);
    return leaf.joined ? bits | PTE_JOINED : bits;
  }
}

function pageStart(hpa: Hpa, level: Level): Hpa {
  return hpa - (hpa % LEVEL_SIZE[level]);
}

function entryOf(leaf: GuestLeaf, bitsToSet: number): bigint {
  return (BigInt(leaf.high) << 32n) | BigInt((leaf.low | bitsToSet) >>> 0);
}
