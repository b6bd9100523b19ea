/** A VM exit in a few words, for frames and stops: `csrWrite satp`, `shadowFill 0x40001000`. */
import type { ExitRecord } from '../../hypervisor/exit-record';
import { hex } from '../format';

type Describers = { readonly [K in ExitRecord['kind']]: (record: Extract<ExitRecord, { kind: K }>) => string };

const DETAILS: Describers = {
  csrRead: (record) => record.csr,
  csrWrite: (record) => `${record.csr}: ${hex(record.old)} → ${hex(record.new)}`,
  sret: (record) => `to ${record.targetPrivilege} at ${hex(record.target)}`,
  sfence: (record) => (record.gva === undefined ? 'of all addresses' : `of ${hex(record.gva)}`),
  wfi: (record) => (record.waits ? 'waits' : 'goes on: an interrupt is pending'),
  sbiCall: (record) => record.name,
  shadowFill: (record) => `${record.access} ${hex(record.gva)} → GPA ${hex(record.gpa)} → HPA ${hex(record.hpa)}`,
  tableWrite: (record) => `GPA ${hex(record.gpa)}`,
  staleTranslation: (record) => `${record.access} ${hex(record.gva)} → HPA ${hex(record.hpa)}`,
  mmio: (record) => `${record.access} ${record.device}+${hex(record.offset)}`,
  inject: (record) => record.name,
  timer: () => 'a virtual timer is due, or a time slice over',
  interrupt: (record) => record.name,
  vcpuSwitch: (record) => `to ${record.toGuest}, vCPU ${record.toVcpu}: ${record.reason}`,
  illegal: (record) => record.csr ?? 'instruction',
};

export function describeExit(record: ExitRecord): string {
  const describe = DETAILS[record.kind] as (record: ExitRecord) => string;
  return `${record.kind} ${describe(record)}`;
}
