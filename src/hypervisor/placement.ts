/** On which hart each vCPU runs: as few as possible on each, and those of a guest apart. It stays there. */
import type { GuestOptions } from './guest';

/** The most vCPUs that a guest can have. */
const MOST_VCPUS = 4;

/**
 * The numbers of the harts of each guest's vCPUs. Where there is a hart for each, the first vCPU of guest n has hart n, and the
 * others have those that follow.
 * @throws Error in a user's words for a number of vCPUs that cannot be
 */
export function placeVcpus(guests: readonly GuestOptions[], harts: number): readonly (readonly number[])[] {
  const placed: number[][] = guests.map(() => []);
  const load = Array.from({ length: harts }, () => 0);
  const place = (guest: number): void => {
    const own = (hart: number): number => placed[guest].filter((other) => other === hart).length;
    const isBetter = (one: number, other: number): boolean =>
      load[one] < load[other] || (load[one] === load[other] && own(one) < own(other));
    const hart = load.reduce((best, _, candidate) => (isBetter(candidate, best) ? candidate : best), 0);
    load[hart]++;
    placed[guest].push(hart);
  };
  guests.forEach((_, guest) => place(guest));
  for (const [guest, { name, vcpus = 1 }] of guests.entries()) {
    if (!Number.isInteger(vcpus) || vcpus < 1 || vcpus > MOST_VCPUS) {
      throw new Error(`Guest ${name} cannot have ${vcpus} vCPUs: there can be 1 to ${MOST_VCPUS}.`);
    }
    for (let index = 1; index < vcpus; index++) place(guest);
  }
  return placed;
}
