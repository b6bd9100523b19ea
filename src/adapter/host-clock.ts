/** A clock that Node.js has at hand: `performance` is made, of a dozen modules, when it is first used. */

/** Milliseconds since some moment, as fine as the host has them; half as long to ask for as `process.uptime`. */
export function hostMilliseconds(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
