/** A vCPU as the debugger sees it. Its registers may lie in the hart or, while an exit is pending, in the trap context. */
import { FETCH, LOAD, STORE } from '../../engine/host';
import { viewKindOf } from '../../hypervisor/shadow/permissions';
import type { ShadowView } from '../../hypervisor/shadow/view';
import type { Vcpu } from '../../hypervisor/vcpu';
import { walkPageTable } from '../../machine/walk';
import { DEVICE_CODE, isAccessRule, NO_MEMORY, walkRecord } from '../explain/access-record';
import type { ViolatedRule, WalkRecord } from '../explain/access-record';
import { hex } from '../format';
import type { AccessKind, AddressKind, CsrSet, Location, ModeName, Standstill, Target, Translation } from '../target';
import type { Memory } from '../values/place';
import { guestCsrSet, hartCsrSet } from './csr-sets';
import { AllRightsWalker, locateInTables, physical, translatedMemory } from './guest-view';
import type { Translate } from './guest-view';
import { describeShadow, shadowState } from './shadow-explanation';

export const ACCESSES = { fetch: FETCH, load: LOAD, store: STORE } as const;

export class VcpuTarget implements Target {
  readonly name: string;
  readonly csrSets: readonly CsrSet[];
  private readonly walker: AllRightsWalker;
  private readonly memories: Readonly<Record<AddressKind, Memory>>;

  constructor(
    readonly id: number,
    readonly vcpu: Vcpu,
  ) {
    const { guest, hart } = vcpu;
    this.name = guest.vcpus.length > 1 ? `${guest.name}, vCPU ${vcpu.index}` : guest.name;
    this.csrSets = [guestCsrSet(vcpu), hartCsrSet(hart.csrs, { kind: 'host', title: 'Host CSRs', isWritable: false })];
    this.walker = new AllRightsWalker(guest.memory.entrySource());
    const toHpa = (gpa: bigint): number | undefined => guest.gpaToHpa(physical(gpa) ?? -1);
    const memoryAt = (translate: Translate) =>
      translatedMemory(guest.dram, translate, (hpa, length) => guest.memory.onWrite(hpa, length));
    this.memories = {
      gva: memoryAt((gva) => {
        const gpa = this.toGpa(gva);
        return gpa === undefined ? undefined : guest.gpaToHpa(gpa);
      }),
      gpa: memoryAt(toHpa),
      hpa: memoryAt(physical),
    };
  }

  get hart(): number {
    return this.vcpu.index;
  }

  get guest(): string {
    return this.vcpu.guest.name;
  }

  get standstill(): Standstill | undefined {
    const { guest, isStopped } = this.vcpu;
    if (guest.ended) return 'ended';
    if (guest.isHeld) return 'held';
    return isStopped ? 'off' : undefined;
  }

  get pc(): bigint {
    return this.vcpu.pc;
  }

  set pc(value: bigint) {
    this.vcpu.pc = value;
  }

  x(index: number): bigint {
    return this.vcpu.x(index);
  }

  setX(index: number, value: bigint): void {
    this.vcpu.setX(index, value);
  }

  f(index: number): bigint {
    return this.vcpu.float.register(index);
  }

  setF(index: number, value: bigint): void {
    this.vcpu.float.setRegister(index, BigInt.asUintN(64, value));
  }

  get mode(): ModeName {
    return this.vcpu.modeName;
  }

  get satp(): bigint {
    return this.vcpu.csrs.satp;
  }

  memory(kind: AddressKind): Memory {
    return this.memories[kind];
  }

  locate(kind: AddressKind, address: bigint, satp: bigint): Location {
    const { guest } = this.vcpu;
    if (kind === 'hpa') {
      const hpa = physical(address) ?? -1;
      return { hpa: guest.dram.contains(hpa, 1) ? hpa : undefined, isDevice: false, entries: [], isUser: false };
    }
    return locateInTables(address, kind === 'gva' ? satp : 0n, {
      readEntry: (gpa) => guest.memory.readEntry(gpa),
      toHpa: (gpa) => guest.gpaToHpa(gpa),
      isDevice: (gpa) => guest.devices.bus.deviceAt(gpa) !== undefined,
    });
  }

  translate(address: bigint, access: AccessKind, as: ModeName = this.mode): Translation {
    const { vcpu } = this;
    const { guest, csrs } = vcpu;
    const { bare } = csrs;
    const virtualPrivilege = as === 'vU' ? 0 : 1;
    const walked = bare ? this.untranslated(address) : this.walk(address, access, virtualPrivilege);
    const lines = [...walked.lines];
    const gpa = walked.address;
    const hpa = gpa === undefined ? undefined : guest.gpaToHpa(gpa);
    const device = gpa === undefined ? undefined : guest.devices.bus.deviceAt(gpa)?.name;
    let { rule } = walked;
    if (gpa !== undefined && hpa === undefined) {
      if (device === undefined) rule = NO_MEMORY;
      else if (access === 'fetch') rule = DEVICE_CODE;
    }
    if (gpa !== undefined) lines.push(describeGpa(gpa, hpa, device, rule));
    const shadow = shadowState(viewOf(vcpu, virtualPrivilege), address, ACCESSES[access], hpa, csrs.mxr);
    lines.push(describeShadow(shadow));
    return {
      address,
      access,
      mode: as,
      satp: bare ? 0n : csrs.satp,
      outcome: rule ? (isAccessRule(rule) ? 'access-fault' : 'page-fault') : hpa === undefined ? 'device' : 'allowed',
      ...(rule && { rule }),
      steps: walked.steps,
      ...(gpa === undefined ? {} : { gpa: BigInt(gpa) }),
      ...(hpa === undefined ? {} : { hpa: BigInt(hpa) }),
      ...(device !== undefined && { device }),
      ...(shadow && { shadow }),
      lines,
    };
  }

  private walk(address: bigint, access: AccessKind, privilege: 0 | 1): WalkRecord {
    const { vcpu } = this;
    const how = { ...vcpu.walkContext(), privilege };
    const walk = walkPageTable(address, ACCESSES[access], how, (at) => vcpu.guest.memory.readEntry(at));
    return walkRecord(walk, address, ACCESSES[access]);
  }

  private untranslated(address: bigint): WalkRecord {
    const gpa = physical(address);
    const line = `The guest translates nothing (satp.MODE is Bare), so GVA ${hex(address)} is the GPA.`;
    if (gpa !== undefined) return { steps: [], lines: [line], address: gpa };
    return { steps: [], lines: [`${line} No physical address is that wide.`], rule: NO_MEMORY };
  }

  /** Where the guest's page table leads, whatever the guest's mode may access. */
  private toGpa(gva: bigint): number | undefined {
    const { csrs } = this.vcpu;
    return this.walker.translate(gva, csrs.satp);
  }
}

function describeGpa(gpa: number, hpa: number | undefined, device: string | undefined, rule?: ViolatedRule): string {
  if (hpa !== undefined) return `GPA ${hex(gpa)} lies at HVA ${hex(hpa)} (the HPA is the same).`;
  const there = device === undefined ? 'nothing is there' : `device ${device} is there`;
  const refusal = rule ? `, so the access is refused (${rule.clause})` : ', which the hypervisor emulates';
  return `GPA ${hex(gpa)} is not memory of the guest: ${there}${refusal}.`;
}

/** The view that the guest uses in a mode; undefined when there is none yet. */
function viewOf(vcpu: Vcpu, virtualPrivilege: 0 | 1): ShadowView | undefined {
  if (virtualPrivilege === vcpu.virtualPrivilege) return vcpu.view;
  const { satp, bare, sum } = vcpu.csrs;
  return vcpu.guest.shadow.addressSpace(vcpu.index, satp)?.views.get(viewKindOf(bare, virtualPrivilege, sum));
}
