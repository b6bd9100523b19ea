/**
 * Names of the CSRs that specifications describe and this machine has not, for texts: disassembly, assembly, explanations.
 * Privileged 2.2, with the advanced interrupt architecture, state enable, and the debug specification.
 */
import { csrByName, csrByNumber } from './csrs';

/** `name` with n from `from` to `to` in the place of `#`, at consecutive numbers. */
function series(first: number, name: string, from: number, to: number): [number, string][] {
  return Array.from({ length: to - from + 1 }, (_, i) => [first + i, name.replace('#', String(from + i))]);
}

/** Names at consecutive numbers. */
const row = (first: number, ...names: string[]): [number, string][] => names.map((name, i) => [first + i, name]);

/** Of another register width, or of an extension that the machine lacks. */
const otherNames: ReadonlyMap<number, string> = new Map([
  ...row(0x008, 'vstart', 'vxsat', 'vxrm'),
  ...row(0x00f, 'vcsr'),
  ...row(0x015, 'seed'),
  ...series(0x10c, 'sstateen#', 0, 3),
  ...row(0x114, 'sieh'),
  ...row(0x150, 'siselect', 'sireg'),
  ...row(0x154, 'siph'),
  ...row(0x15c, 'stopei', 'stimecmph'),
  ...row(0x200, 'vsstatus'),
  ...row(0x204, 'vsie', 'vstvec'),
  ...row(0x214, 'vsieh'),
  ...row(0x240, 'vsscratch', 'vsepc', 'vscause', 'vstval', 'vsip'),
  ...row(0x24d, 'vstimecmp'),
  ...row(0x250, 'vsiselect', 'vsireg'),
  ...row(0x254, 'vsiph'),
  ...row(0x25c, 'vstopei', 'vstimecmph'),
  ...row(0x280, 'vsatp'),
  ...row(0x308, 'mvien', 'mvip'),
  ...series(0x30c, 'mstateen#', 0, 3),
  ...row(0x310, 'mstatush'),
  ...row(0x313, 'midelegh', 'mieh'),
  ...row(0x318, 'mvienh', 'mviph', 'menvcfgh'),
  ...series(0x31c, 'mstateen#h', 0, 3),
  ...row(0x34a, 'mtinst', 'mtval2'),
  ...row(0x350, 'miselect', 'mireg'),
  ...row(0x354, 'miph'),
  ...row(0x35c, 'mtopei'),
  ...series(0x3a0, 'pmpcfg#', 0, 15),
  ...series(0x3b0, 'pmpaddr#', 0, 63),
  ...row(0x5a8, 'scontext'),
  ...row(0x600, 'hstatus'),
  ...row(0x602, 'hedeleg', 'hideleg', 'hie', 'htimedelta', 'hcounteren', 'hgeie', 'hvien', 'hvictl', 'henvcfg'),
  ...series(0x60c, 'hstateen#', 0, 3),
  ...row(0x613, 'hidelegh'),
  ...row(0x615, 'htimedeltah'),
  ...row(0x618, 'hvienh'),
  ...row(0x61a, 'henvcfgh'),
  ...series(0x61c, 'hstateen#h', 0, 3),
  ...row(0x643, 'htval', 'hip', 'hvip', 'hviprio1', 'hviprio2'),
  ...row(0x64a, 'htinst'),
  ...row(0x655, 'hviph', 'hviprio1h', 'hviprio2h'),
  ...row(0x680, 'hgatp'),
  ...row(0x6a8, 'hcontext'),
  ...series(0x723, 'mhpmevent#h', 3, 31),
  ...row(0x747, 'mseccfg'),
  ...row(0x757, 'mseccfgh'),
  ...row(0x7a5, 'tcontrol'),
  ...row(0x7a8, 'mcontext'),
  ...row(0x7aa, 'mscontext'),
  ...row(0x7b0, 'dcsr', 'dpc', 'dscratch0', 'dscratch1'),
  ...row(0xb80, 'mcycleh'),
  ...row(0xb82, 'minstreth'),
  ...series(0xb83, 'mhpmcounter#h', 3, 31),
  ...row(0xc20, 'vl', 'vtype', 'vlenb'),
  ...row(0xc80, 'cycleh', 'timeh', 'instreth'),
  ...series(0xc83, 'hpmcounter#h', 3, 31),
  ...row(0xda0, 'scountovf'),
  ...row(0xdb0, 'stopi'),
  ...row(0xe12, 'hgeip'),
  ...row(0xeb0, 'vstopi'),
  ...row(0xfb0, 'mtopi'),
]);

const numbers: ReadonlyMap<string, number> = new Map([...otherNames].map(([number, name]) => [name, number]));

/** The specifications' name for a CSR number, 0 to 4095, whether the machine has it or not; undefined where there is none. */
export const csrName = (number: number): string | undefined => csrByNumber(number)?.name ?? otherNames.get(number);

/** The number that goes by this name, whether the machine has the CSR or not. */
export const csrNumber = (name: string): number | undefined => csrByName(name)?.number ?? numbers.get(name);
