/** A vCPU as the debugger sees it. Its registers may lie in the hart or, while an exit is pending, in the trap context. */
import { FETCH, LOAD, STORE } from '../../engine/host';
import type { Vcpu } from '../../hypervisor/vcpu';
import { explainWalk } from '../../machine/walk-explain';
import { walkPageTable } from '../../machine/walk';
import { hex } from '../format';
import type { AccessKind, AddressKind, CsrSet, Location, ModeName, Target, Translation } from '../target';
import type { Memory } from '../values/place';
import { guestCsrSet, hartCsrSet } from './csr-sets';
import { AllRightsWalker, locateInTables, physical, translatedMemory } from './guest-view';
import type { Translate } from './guest-view';
import { explainShadow } from './shadow-explanation';

export const ACCESSES = { fetch: FETCH, load: LOAD, store: STORE } as const;

export class VcpuTarget implements Target {
  readonly name: string;
  readonly csrSets: readonly CsrSet[];
  private readonly walker: AllRightsWalker;
  private readonly memories: Readonly<Record<AddressKind, Memory>>;

  constructor(
    readonly id: number,
    readonly vcpu: Vcpu,
    isOneOfMany: boolean,
  ) {
    const { guest, hart } = vcpu;
    this.name = isOneOfMany ? `${guest.name}, vCPU ${vcpu.index}` : guest.name;
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

  get guest(): string {
    return this.vcpu.guest.name;
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
    return this.vcpu.hart.state.f(index);
  }

  setF(index: number, value: bigint): void {
    this.vcpu.hart.state.setF(index, BigInt.asUintN(64, value));
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

  translate(address: bigint, access: AccessKind): Translation {
    const { vcpu } = this;
    const { guest } = vcpu;
    const lines: string[] = [];
    let gpa = vcpu.csrs.bare ? physical(address) : undefined;
    if (vcpu.csrs.bare) {
      lines.push(`The guest translates nothing (satp.MODE is Bare), so GVA ${hex(address)} is the GPA.`);
    } else {
      const walk = walkPageTable(address, ACCESSES[access], vcpu.walkContext(), (at) => guest.memory.readEntry(at));
      lines.push(...explainWalk(walk, address, ACCESSES[access]));
      if (walk.ok) gpa = walk.address;
    }
    const hpa = gpa === undefined ? undefined : guest.gpaToHpa(gpa);
    if (gpa !== undefined) {
      lines.push(
        hpa === undefined
          ? `GPA ${hex(gpa)} is not memory of the guest: ${this.deviceAt(gpa)}.`
          : `GPA ${hex(gpa)} lies at HVA ${hex(hpa)} (the HPA is the same).`,
      );
    }
    lines.push(explainShadow(vcpu, address, ACCESSES[access], hpa));
    return {
      ...(gpa === undefined ? {} : { gpa: BigInt(gpa) }),
      ...(hpa === undefined ? {} : { hpa: BigInt(hpa) }),
      lines,
    };
  }

  private deviceAt(gpa: number): string {
    const device = this.vcpu.guest.devices.bus.deviceAt(gpa);
    return device ? `device ${device.name} is there` : 'nothing is there';
  }

  /** Where the guest's page table leads, whatever the guest's mode may access. */
  private toGpa(gva: bigint): number | undefined {
    const { csrs } = this.vcpu;
    return this.walker.translate(gva, csrs.satp);
  }
}
