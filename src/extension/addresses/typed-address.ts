/** An address as a user types it, with its kind: `0x80200000`, `gpa 0x80200000`, `hpa:0x88200000`. */
import { hex, parseAddress } from '../page-tables/find-address';
import type { TranslateArguments } from '../../protocol/explanation';

/** Undefined when it is none. The hypervisor maps DRAM one to one, so that an HVA is asked for as the HPA that it is. */
export function parseTypedAddress(text: string): Pick<TranslateArguments, 'kind' | 'address'> | undefined {
  const [, prefix = 'gva', number = ''] = /^\s*(?:(gva|gpa|hpa|hva)\s*[: ]\s*)?(\S+)\s*$/i.exec(text) ?? [];
  const address = parseAddress(number);
  if (address === undefined) return undefined;
  const kind = prefix.toLowerCase();
  return { kind: kind === 'gpa' ? 'gpa' : kind === 'gva' ? 'gva' : 'hpa', address: hex(address) };
}
