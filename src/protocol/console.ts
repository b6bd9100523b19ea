/** The guests' consoles: bytes both ways, as base64. */

/** A console that a guest (or, on the bare machine, the kernel) writes to and reads from. */
export interface ConsoleInfo {
  /** Names the console in requests and events. */
  readonly id: string;
  /** For the user: the guest's name. */
  readonly name: string;
  /** The most recent output, base64, so that a terminal opened late misses little. */
  readonly backlog: string;
  /** Bytes of output before the backlog's first one. */
  readonly backlogOffset: number;
}

/** Answer to `hypocaust/consoles`. */
export interface ConsolesResponse {
  readonly consoles: readonly ConsoleInfo[];
}

/** Event `hypocaust/consoleOutput`: the console wrote these bytes. */
export interface ConsoleOutputBody {
  readonly console: string;
  /** Base64. Bytes are the guest's own (usually UTF-8); a character may be split between events. */
  readonly data: string;
  /** Bytes of output before these: tells what a backlog already showed. */
  readonly offset: number;
}

/** Request `hypocaust/consoleSize`: the console's terminal has this size now, in characters. */
export interface ConsoleSizeArguments {
  readonly console: string;
  readonly columns: number;
  readonly rows: number;
}

/** Request `hypocaust/consoleInput`: the user typed these bytes. */
export interface ConsoleInputArguments {
  readonly console: string;
  /** Base64. */
  readonly data: string;
}
