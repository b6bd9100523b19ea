/** The host's clock, which a machine's real-time clock starts from where the user names no other time. */

/** Nanoseconds since 1970. */
export function hostTime(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
