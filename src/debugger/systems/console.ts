/** A port that a program writes to and reads from, as a console. */
import type { Console } from './system';

export interface ConsolePort {
  /** Called with what the program sends, which is the receiver's from then on. */
  onOutput?: (bytes: Uint8Array) => void;
  /** @returns how many bytes there was room for */
  receive(bytes: Uint8Array): number;
  readonly waiting: number;
  resize?(columns: number, rows: number): void;
}

/** Bytes that may wait to be read by the program. */
const MOST_WAITING = 1 << 25;

/** Those of one program: its serial port has the program's name, a virtio console another. */
export function makeConsoles(program: string, serial: ConsolePort, virtio: readonly ConsolePort[]): Console[] {
  const others = virtio.map((port, index) =>
    makeConsole(`${program} (virtio console${index === 0 ? '' : ` ${index + 1}`})`, port),
  );
  return [makeConsole(program, serial), ...others];
}

/** @param name different from other consoles' */
export function makeConsole(name: string, port: ConsolePort, isFirmware = false): Console {
  const console: Console = {
    id: name,
    name,
    isFirmware,
    receive(bytes) {
      if (port.waiting + bytes.length > MOST_WAITING) return false;
      port.receive(bytes);
      return true;
    },
    get waiting() {
      return port.waiting;
    },
    ...(port.resize && { resize: (columns: number, rows: number) => port.resize?.(columns, rows) }),
  };
  port.onOutput = (bytes) => console.onOutput?.(bytes);
  return console;
}
