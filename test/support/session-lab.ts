/** Debugging sessions over small programs in assembly, for tests of the debugger. */
import { Session } from '../../src/debugger/session';
import type { GuestInput, SessionOptions } from '../../src/debugger/session-options';
import type { Stop } from '../../src/debugger/stop';
import type { End } from '../../src/debugger/systems/system';
import { assembleSource } from '../../src/isa/assemble';
import { buildElf } from './elf-builder';

/** Where programs start. */
export const ENTRY = 0x80200000n;
const SHF_ALLOC_EXEC = 6;
const MIB = 1024 * 1024;

export class SessionLab {
  readonly session: Session;
  readonly labels: ReadonlyMap<string, bigint>;
  /** The most processor time between two turns of the host's event loop, in milliseconds. */
  longestTurn = 0;
  readonly logs: string[] = [];
  /** What the session was loaded with. */
  readonly options: SessionOptions;
  private arrived: ((event: Stop | End) => void) | undefined;
  private lastTurn = processorTime();

  /**
   * @param source assembly for 0x80200000
   * @param guest what the guest is like
   */
  constructor(source: string, options: Partial<SessionOptions> = {}, guest: Partial<GuestInput> = {}) {
    const { bytes, symbols } = assembleSource(source, ENTRY);
    this.labels = symbols;
    const elf = buildElf([{ name: '.text', data: bytes, flags: SHF_ALLOC_EXEC, address: ENTRY }], ENTRY);
    const turn = (): void => {
      this.longestTurn = Math.max(this.longestTurn, processorTime() - this.lastTurn);
      this.lastTurn = processorTime();
    };
    this.session = new Session(
      {
        now: () => performance.now(),
        soon: (callback) => {
          turn();
          setImmediate(() => {
            this.lastTurn = processorTime();
            callback();
          });
        },
        later: (callback, milliseconds) => {
          const timer = setTimeout(callback, milliseconds);
          return () => clearTimeout(timer);
        },
      },
      {
        stopped: (stop) => this.arrive(stop),
        ended: (end) => this.arrive(end),
        output: () => undefined,
        log: (text) => void this.logs.push(text),
        breakpointChanged: () => undefined,
      },
    );
    this.options = {
      mode: 'hypervisor',
      memoryBytes: 512 * MIB,
      guests: [{ name: 'lab', program: { path: 'lab.elf', bytes: elf }, ...guest }],
      ...options,
    };
    this.session.load(this.options);
  }

  /** Begins execution, and measures turns from here on. */
  start(): void {
    this.lastTurn = processorTime();
    this.session.start();
  }

  /** Does something that ends in a stop or in the guest's end, and waits for that. */
  async until(action: () => void): Promise<Stop | End> {
    const event = new Promise<Stop | End>((resolve) => (this.arrived = resolve));
    this.lastTurn = processorTime();
    action();
    return event;
  }

  /** As `until`, for what must end in a stop. */
  async stop(action: () => void): Promise<Stop> {
    const event = await this.until(action);
    if (!('target' in event)) throw new Error(`the guest ended: ${event.text}`);
    return event;
  }

  private arrive(event: Stop | End): void {
    this.arrived?.(event);
  }
}

/** Of this process: what other processes take does not count. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
