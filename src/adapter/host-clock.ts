/** A clock that Node.js has at hand: `performance` is made, of a dozen modules, when it is first used. */

/** Milliseconds since the process began. */
export const hostMilliseconds = (): number => process.uptime() * 1000;
