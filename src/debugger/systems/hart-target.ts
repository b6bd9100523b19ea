/** A hart of the bare machine as the debugger sees it. */
import { CSR } from '../../machine/csr-numbers';
import type { Hart } from '../../machine/hart';
import type { Machine } from '../../machine/machine';
import { MPP_SHIFT, MSTATUS } from '../../machine/status';
import { addressSpaceOf } from '../../machine/paging';
import { DEVICE_CODE, isAccessRule, NO_MEMORY, walkRecord } from '../explain/access-record';
import type { WalkRecord } from '../explain/access-record';
import { hex } from '../format';
import type { AccessKind, AddressKind, CsrSet, Location, ModeName, Standstill, Target, Translation } from '../target';
import type { Memory } from '../values/place';
import { hartCsrSet } from './csr-sets';
import { AllRightsWalker, locateInTables, machineEntries, physical, translatedMemory } from './guest-view';
import { ACCESSES } from './vcpu-target';

const MODES: Readonly<Record<0 | 1 | 3, ModeName>> = { 0: 'U', 1: 'S', 3: 'M' };
const PRIVILEGES: Readonly<Record<ModeName, 0 | 1 | 3>> = { U: 0, S: 1, M: 3, vU: 0, vS: 1 };
const MACHINE = 3;
const VERBS: Readonly<Record<AccessKind, string>> = { fetch: 'Fetch from', load: 'Load from', store: 'Store to' };

export class HartTarget implements Target {
  readonly name: string;
  readonly csrSets: readonly CsrSet[];
  private readonly walker: AllRightsWalker;
  private readonly memories: Readonly<Record<AddressKind, Memory>>;

  constructor(
    readonly id: number,
    /** Of the program. */
    readonly guest: string,
    readonly processor: Hart,
    private readonly machine: Machine,
  ) {
    const { csrs, index } = this.processor;
    this.name = machine.harts.length > 1 ? `${guest}, hart ${index}` : guest;
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
    this.walker = new AllRightsWalker(machineEntries(memory), () => this.processor.mmu.rules);
    const bare = translatedMemory(memory, physical);
    this.memories = { gva: translatedMemory(memory, (va) => this.toPhysical(va)), gpa: bare, hpa: bare };
  }

  get hart(): number {
    return this.processor.index;
  }

  get standstill(): Standstill | undefined {
    return this.processor.isStopped ? 'off' : undefined;
  }

  get pc(): bigint {
    return this.processor.state.pc;
  }

  set pc(value: bigint) {
    this.processor.state.pc = BigInt.asUintN(64, value);
  }

  x(index: number): bigint {
    return this.processor.state.x(index);
  }

  setX(index: number, value: bigint): void {
    this.processor.state.setX(index, BigInt.asUintN(64, value));
  }

  f(index: number): bigint {
    return this.processor.state.f(index);
  }

  setF(index: number, value: bigint): void {
    this.processor.state.setF(index, BigInt.asUintN(64, value));
  }

  get mode(): ModeName {
    return MODES[this.processor.privilege];
  }

  get satp(): bigint {
    return this.processor.privilege === MACHINE ? 0n : this.processor.csrs.read(CSR.satp);
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
      rules: this.processor.mmu.rules,
    });
  }

  translate(address: bigint, access: AccessKind, as: ModeName = this.mode): Translation {
    const { processor: hart, machine } = this;
    const mode = access === 'fetch' ? as : this.dataMode(as);
    const satp = mode === 'M' ? 0n : hart.csrs.read(CSR.satp);
    const walked = this.walk(address, access, mode, satp);
    const lines = [...walked.lines];
    if (mode !== as) lines.push(`mstatus.MPRV is set: loads and stores in ${as}-mode are made as in ${mode}-mode.`);
    const target = walked.address;
    let { rule } = walked;
    let device: string | undefined;
    if (target !== undefined && !machine.memory.contains(target, 1)) {
      device = machine.bus.deviceAt(target)?.name;
      lines.push(
        `Physical address ${hex(target)} is not RAM: ${device === undefined ? 'nothing' : `device ${device}`} is there.`,
      );
      if (device === undefined) rule = NO_MEMORY;
      else if (access === 'fetch') rule = DEVICE_CODE;
    }
    const privilege = PRIVILEGES[mode];
    if (target !== undefined && !hart.pmp.allows(target, 1, ACCESSES[access], privilege)) {
      rule = { name: 'pmp', clause: 'Privileged 3.7' };
      const refusal = hart.pmp.explain(target, 1);
      lines.unshift(`${VERBS[access]} ${hex(address)}: ${refusal} (Privileged 3.7), so it is an access fault.`);
    }
    const isReached = target !== undefined && rule === undefined;
    return {
      address,
      access,
      mode,
      satp: satp >> 60n === 0n ? 0n : satp,
      outcome: isReached
        ? device === undefined
          ? 'allowed'
          : 'device'
        : rule && isAccessRule(rule)
          ? 'access-fault'
          : 'page-fault',
      ...(rule && { rule }),
      steps: walked.steps,
      ...(target === undefined ? {} : { gpa: BigInt(target), hpa: BigInt(target) }),
      ...(device !== undefined && { device }),
      lines,
    };
  }

  /** The mode in which loads and stores are made (Privileged 3.1.6.3). */
  private dataMode(mode: ModeName): ModeName {
    const { status } = this.processor.csrs.state;
    if (mode !== 'M' || (status & MSTATUS.MPRV) === 0) return mode;
    return MODES[((status >>> MPP_SHIFT) & 3) as 0 | 1 | 3];
  }

  private walk(address: bigint, access: AccessKind, mode: ModeName, satp: bigint): WalkRecord {
    const space = addressSpaceOf(satp);
    if (!space) {
      const target = physical(address);
      const line = `Nothing is translated in ${mode}-mode now, so ${hex(address)} is the physical address.`;
      if (target === undefined) return { steps: [], lines: [line], rule: NO_MEMORY };
      return { steps: [], lines: [line], address: target };
    }
    const { status } = this.processor.csrs.state;
    const [sum, mxr] = [(status & MSTATUS.SUM) !== 0, (status & MSTATUS.MXR) !== 0];
    const how = { scheme: space.scheme, root: space.root, privilege: mode === 'U' ? 0 : 1, sum, mxr } as const;
    return walkRecord(this.processor.mmu.recordWalk(address, ACCESSES[access], how), address, ACCESSES[access]);
  }

  private toPhysical(va: bigint): number | undefined {
    return this.walker.translate(va, this.satp);
  }
}
