/** A hart of the bare machine as the debugger sees it. */
import { CSR } from '../../machine/csr-numbers';
import type { Hart } from '../../machine/hart';
import type { Machine } from '../../machine/machine';
import { MSTATUS } from '../../machine/status';
import { explainWalk } from '../../machine/walk-explain';
import { hex } from '../format';
import type { AccessKind, AddressKind, CsrSet, Location, ModeName, Target, Translation } from '../target';
import type { Memory } from '../values/place';
import { hartCsrSet } from './csr-sets';
import { AllRightsWalker, locateInTables, machineEntries, physical, translatedMemory } from './guest-view';
import { ACCESSES } from './vcpu-target';

const MODES: Readonly<Record<0 | 1 | 3, ModeName>> = { 0: 'U', 1: 'S', 3: 'M' };
const MACHINE = 3;
const USER = 0;

export class HartTarget implements Target {
  readonly csrSets: readonly CsrSet[];
  private readonly walker: AllRightsWalker;
  private readonly memories: Readonly<Record<AddressKind, Memory>>;

  constructor(
    readonly id: number,
    readonly name: string,
    private readonly hart: Hart,
    private readonly machine: Machine,
  ) {
    const { csrs } = hart;
    this.csrSets = [
      hartCsrSet(csrs, {
        kind: 'guest',
        title: 'Supervisor CSRs',
        isWritable: true,
        includes: (csr) => csr.privilege < MACHINE,
      }),
      hartCsrSet(csrs, {
        kind: 'host',
        title: 'Machine CSRs',
        isWritable: true,
        includes: (csr) => csr.privilege === MACHINE,
      }),
    ];
    const { memory } = machine;
    this.walker = new AllRightsWalker(machineEntries(memory), () => hart.mmu.rules);
    const bare = translatedMemory(memory, physical);
    this.memories = { gva: translatedMemory(memory, (va) => this.toPhysical(va)), gpa: bare, hpa: bare };
  }

  get guest(): string {
    return this.name;
  }

  get pc(): bigint {
    return this.hart.state.pc;
  }

  set pc(value: bigint) {
    this.hart.state.pc = BigInt.asUintN(64, value);
  }

  x(index: number): bigint {
    return this.hart.state.x(index);
  }

  setX(index: number, value: bigint): void {
    this.hart.state.setX(index, BigInt.asUintN(64, value));
  }

  f(index: number): bigint {
    return this.hart.state.f(index);
  }

  setF(index: number, value: bigint): void {
    this.hart.state.setF(index, BigInt.asUintN(64, value));
  }

  get mode(): ModeName {
    return MODES[this.hart.privilege];
  }

  get satp(): bigint {
    return this.hart.privilege === MACHINE ? 0n : this.hart.csrs.read(CSR.satp);
  }

  memory(kind: AddressKind): Memory {
    return this.memories[kind];
  }

  locate(kind: AddressKind, address: bigint, satp: bigint): Location {
    const { memory, bus } = this.machine;
    return locateInTables(address, kind === 'gva' ? satp : 0n, {
      readEntry: (at) => (memory.contains(at, 8) ? memory.read64(at) : undefined),
      toHpa: (at) => (memory.contains(at, 1) ? at : undefined),
      isDevice: (at) => bus.deviceAt(at) !== undefined,
      rules: this.hart.mmu.rules,
    });
  }

  translate(address: bigint, access: AccessKind): Translation {
    const { hart, satp } = this;
    const { status } = hart.csrs.state;
    const [sum, mxr] = [(status & MSTATUS.SUM) !== 0, (status & MSTATUS.MXR) !== 0];
    const privilege = hart.privilege === USER ? 0 : 1;
    const walk = hart.mmu.walk(address, ACCESSES[access], { satp, privilege, sum, mxr });
    const target = walk ? (walk.ok ? walk.address : undefined) : physical(address);
    const lines = walk
      ? explainWalk(walk, address, ACCESSES[access])
      : [`Nothing is translated in ${this.mode}-mode now, so ${hex(address)} is the physical address.`];
    if (target === undefined) return { lines };
    if (!this.machine.memory.contains(target, 1)) {
      const device = this.machine.bus.deviceAt(target);
      lines.push(
        `Physical address ${hex(target)} is not RAM: ${device ? `device ${device.name}` : 'nothing'} is there.`,
      );
    }
    return { gpa: BigInt(target), hpa: BigInt(target), lines };
  }

  private toPhysical(va: bigint): number | undefined {
    return this.walker.translate(va, this.satp);
  }
}
