/** The addresses of a guest's network, as in QEMU's user-mode network. */
import type { Ipv4, Mac } from './packets';

export const GATEWAY: Ipv4 = [10, 0, 2, 2];
export const NAME_SERVER: Ipv4 = [10, 0, 2, 3];
/** What a guest gets by DHCP. */
export const CLIENT: Ipv4 = [10, 0, 2, 15];
export const MASK: Ipv4 = [255, 255, 255, 0];
export const BROADCAST: Ipv4 = [255, 255, 255, 255];
export const NOBODY: Ipv4 = [0, 0, 0, 0];
export const EVERYBODY: Mac = [255, 255, 255, 255, 255, 255];
export const GATEWAY_MAC: Mac = [0x52, 0x55, ...GATEWAY];

/** Whether the gateway answers for an address. */
export function isOurs(address: Ipv4): boolean {
  return isInNetwork(address) && (address[3] === GATEWAY[3] || address[3] === NAME_SERVER[3]);
}

/** Whether a guest can have an address. */
export function isGuests(address: Ipv4): boolean {
  return isInNetwork(address) && !isOurs(address) && address[3] !== 0 && address[3] !== 255;
}

/** Whether an address is of one machine, so that an error may be sent to it or about it (RFC 1122, 3.2.2). */
export function isUnicast(address: Ipv4): boolean {
  const [first] = address;
  return first !== 0 && first < 224 && first !== 127 && !(isInNetwork(address) && address[3] === 255);
}

function isInNetwork(address: Ipv4): boolean {
  return MASK.every((bits, index) => (address[index] & bits) === (GATEWAY[index] & bits));
}
