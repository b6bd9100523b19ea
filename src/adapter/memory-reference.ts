/** Memory references: an address in hexadecimal, with `gpa:` or `hpa:` in front for physical ones. */
import { DebuggerError } from '../debugger/errors';
import { hex } from '../debugger/format';
import type { AddressKind } from '../debugger/target';

export interface MemoryReference {
  readonly kind: AddressKind;
  readonly address: bigint;
}

export function formatReference(address: bigint, kind: AddressKind = 'gva'): string {
  return `${kind === 'gva' ? '' : `${kind}:`}${hex(address)}`;
}

/** @throws DebuggerError when the text is none */
export function parseReference(text: string): MemoryReference {
  const match = /^(?:(gva|gpa|hpa|hva):)?(0x[0-9a-f]{1,16}|[0-9]{1,20})$/i.exec(text.trim());
  const address = match ? BigInt(match[2]!) : undefined;
  if (!match || address === undefined || address >= 1n << 64n) {
    throw new DebuggerError(`"${text}" is no address; write 0x80200000, gpa:0x80200000 or hpa:0x88200000.`);
  }
  const kind = (match[1]?.toLowerCase() ?? 'gva') as AddressKind | 'hva';
  // The hypervisor maps DRAM one to one.
  return { kind: kind === 'hva' ? 'hpa' : kind, address };
}
