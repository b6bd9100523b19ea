/**
 * The promise that guests are kept apart, as a check that can be made at any moment: every leaf of every shadow table lies
 * in its guest's memory, every table is the hypervisor's own, from its guest's pool, and used once; each hart that is in a
 * guest is in U-mode, under one of that guest's shadow tables, with the trap context of the vCPU that has it; and no two vCPUs
 * share a trap context, or two guests an ASID.
 */
import { CSR } from '../machine/csr-numbers';
import { entryAddressOf, isLeaf, PTE_U, PTE_V } from '../machine/pte';
import type { Hpa, Level } from './addresses';
import { LEVEL_SIZE } from './addresses';
import type { Machine } from '../machine/machine';
import type { Guest } from './guest';
import { GuestDma } from './guest-dma';
import type { Hypervisor } from './hypervisor';
import { TRAMPOLINE } from './layout';
import { PTE_SUSPECT } from './shadow/stale-translations';
import type { ShadowView } from './shadow/view';
import type { Vcpu } from './vcpu';

/** What is wrong with one guest, in sentences; none when the promise holds. */
export function checkIsolation(guest: Guest): string[] {
  return checkGuest(guest, new Set());
}

/** The same for all guests, what they might share, and the harts. To be called when no exit is being carried out. */
export function checkHypervisor(hypervisor: Hypervisor): string[] {
  const tables = new Set<Hpa>();
  const problems = hypervisor.guests.flatMap((guest) => [
    ...checkGuest(guest, tables),
    ...guest.vcpus.flatMap((vcpu) => checkVcpu(guest, vcpu)),
  ]);
  const { guests } = hypervisor;
  return [
    ...problems,
    ...twice(
      'the trap context',
      guests.flatMap(({ vcpus }) => vcpus.map(({ trapContext }) => trapContext)),
    ),
    ...twice(
      'the host ASID',
      guests.flatMap(({ shadow }) => [...shadow.allViews()].map(({ hostAsid }) => hostAsid)),
    ),
  ];
}

function twice(what: string, values: readonly number[]): string[] {
  const double = values.find((value, index) => values.indexOf(value) !== index);
  return double === undefined ? [] : [`${what} 0x${double.toString(16)} is used twice.`];
}

/** @param tables those of other guests, which must not be this one's, too; its own are added */
function checkGuest(guest: Guest, tables: Set<Hpa>): string[] {
  const pages = guest.shadow.pages();
  const own = new Set<Hpa>();
  const problems = [...guest.shadow.allViews()].flatMap((view) => {
    const check = new ViewCheck(guest, view, pages, tables);
    check.table(view.root, view.rootLevel);
    for (const table of check.seen) own.add(table);
    if (check.leaves !== view.leaves) check.problems.push(`${check.leaves} leaves are counted as ${view.leaves}.`);
    return check.problems.map((problem) => `${guest.name}, view ${view.kind}: ${problem}`);
  });
  if (own.size !== pages.size) problems.push(`${guest.name}: ${pages.size} pages are taken for ${own.size} tables.`);
  return problems;
}

function checkVcpu(guest: Guest, vcpu: Vcpu): string[] {
  const { hart, schedule } = vcpu;
  const problems: string[] = [];
  if (schedule.vcpus.filter(({ isOnHart }) => isOnHart).length !== 1) problems.push('not one vCPU has it.');
  // Another one has the hart; or nothing of the guest has run on it, or will.
  if (!vcpu.isOnHart || vcpu.isStopped) return problems;
  if (schedule.tables.trapContext !== vcpu.trapContext) problems.push('the trap context there is not its own.');
  if (hart.privilege !== 0) problems.push(`it is in mode ${hart.privilege}, not in U-mode.`);
  const satp = hart.csrs.read(CSR.satp);
  if (![...guest.shadow.allViews()].some((view) => view.satp === satp)) {
    problems.push(`satp is 0x${satp.toString(16)}, which is no shadow table of its guest.`);
  }
  if (hart.csrs.read(CSR.stvec) !== TRAMPOLINE)
    problems.push("its traps go elsewhere than to the hypervisor's trampoline.");
  return problems.map((problem) => `${guest.name}, the hart of vCPU ${vcpu.index}: ${problem}`);
}

/** The same for the machine's devices: the addresses of each lead to the one guest that has it, or its slot is the machine's. */
export function checkDeviceMemory(machine: Machine, guests: readonly Guest[]): string[] {
  return machine.devices.ports.flatMap(({ target }, slot) => {
    const owners = guests.filter(({ machineSlots }) => machineSlots.includes(slot));
    if (owners.length > 1) return [`slot ${slot} of the machine belongs to ${owners.length} guests.`];
    const [owner] = owners;
    const isRight = owner ? target instanceof GuestDma && target.isOf(owner.memory) : target === machine.memory;
    return isRight ? [] : [`the addresses of slot ${slot} of the machine do not lead to whom it belongs to.`];
  });
}

class ViewCheck {
  readonly problems: string[] = [];
  readonly seen: Hpa[] = [];
  leaves = 0;

  constructor(
    private readonly guest: Guest,
    private readonly view: ShadowView,
    /** The pages that this guest's tables may lie in. */
    private readonly pages: ReadonlySet<Hpa>,
    /** Tables seen in all views. */
    private readonly tables: Set<Hpa>,
  ) {}

  table(table: Hpa, level: Level): void {
    if (this.tables.has(table)) {
      this.problems.push(`the table at ${hex(table)} is used twice.`);
      return;
    }
    this.tables.add(table);
    this.seen.push(table);
    if (!this.view.hasTable(table) || !this.pages.has(table)) {
      this.problems.push(`${hex(table)} is not a table of this view, in a page of its guest's pool.`);
      return;
    }
    for (let index = 0; index < 512; index++) this.entry(table + index * 8, level);
  }

  private entry(address: Hpa, level: Level): void {
    const entry = this.guest.dram.read64(address);
    if ((entry & BigInt(PTE_V)) === 0n) {
      if (entry !== 0n) this.problems.push(`the entry at ${hex(address)} is neither valid nor zero.`);
      return;
    }
    const target = entryAddressOf(entry);
    if (isLeaf(entry)) this.leaf(address, level, entry, target);
    else if (level === 0) this.problems.push(`the entry at ${hex(address)} points below level 0.`);
    else this.table(target, (level - 1) as Level);
  }

  private leaf(address: Hpa, level: Level, entry: bigint, target: Hpa): void {
    this.leaves++;
    const size = LEVEL_SIZE[level];
    if (!this.guest.memory.containsHpa(target, size) || target % size !== 0) {
      this.problems.push(`the entry at ${hex(address)} maps ${size} bytes at ${hex(target)}, outside the guest.`);
    }
    const isSuspect = (entry & BigInt(PTE_SUSPECT)) !== 0n;
    const isUser = (entry & BigInt(PTE_U)) !== 0n;
    if (isSuspect === isUser) this.problems.push(`the entry at ${hex(address)} is not for U-mode.`);
  }
}

function hex(address: Hpa): string {
  return `0x${address.toString(16)}`;
}
