/** What a session is started with. Files have been read already: the debugger knows no file system. */
import type { Synchronization } from '../hypervisor/shadow/shadow-page-tables';
import type { TranslationService } from '../engine/translator/translation-service';
import type { ExtensionSwitches } from '../isa/extensions';
import type { Pacing } from './run-loop';
import type { StaleMode } from './stale-watch';
import type { DeviceInput } from './systems/device-input';

export type ClockKind = 'virtual' | 'realtime';
export type GuestTime = 'goes-on' | 'stops';

/** A file that was read: its path is for messages and for finding sources. */
export interface InputFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface GuestInput {
  readonly name: string;
  readonly program: InputFile;
  /** 128 MiB unless said otherwise; without meaning on the bare machine. */
  readonly memoryBytes?: number;
  /** 1 to 4; 1 unless said otherwise. */
  readonly vcpus?: number;
  /** Guest-physical address to start at instead of the program's own. */
  readonly entry?: bigint;
  readonly bootargs?: string;
  readonly initrd?: InputFile;
  /** What the guest sees beside its fixed devices; made anew for each boot. Without meaning on the bare machine. */
  readonly devices?: DeviceInput;
  /** Virtio slots of the machine that are passed through to the guest. */
  readonly passthrough?: readonly number[];
  /** Further files to take symbols from. */
  readonly symbols?: readonly InputFile[];
}

export interface SessionOptions {
  /** `hypervisor`: as guests; `bare`: one kernel in S-mode; `machine`: one program in M-mode, without firmware. */
  readonly mode: 'hypervisor' | 'bare' | 'machine';
  /** DRAM of the machine. */
  readonly memoryBytes: number;
  /** 1 to 8; one for each vCPU unless said otherwise, as far as that goes, 1 on the bare machine. vCPUs share what there is. */
  readonly harts?: number;
  /** What the machine has, as far as it differs from the defaults. */
  readonly extensions?: ExtensionSwitches;
  /** When shadow page tables follow those of the guests; 'sfence' unless said otherwise. */
  readonly synchronization?: Synchronization;
  /** Instructions that a vCPU has its hart for while others wait for it; 100,000 unless said otherwise. */
  readonly timeSlice?: number;
  /** What a guest's time does while the guest is held, or others have its harts; it goes on unless said otherwise. */
  readonly guestTime?: GuestTime;
  /** What the machine has beside its fixed devices; made anew for each boot. Guests see what is passed through to them. */
  readonly devices?: DeviceInput;
  /** M-mode code in place of the built-in firmware. */
  readonly firmware?: InputFile;
  /** A flattened device tree in place of the generated one; for the bare machine. */
  readonly deviceTree?: InputFile;
  readonly guests: readonly GuestInput[];
  /** Translates code beside the thread of the session; that does it itself unless given. */
  readonly translation?: TranslationService;
  /** How many of the last VM exits are kept, with statistics of all; 0: neither. 200 unless said otherwise. */
  readonly exitLog?: number;
  /** What to do when a guest uses a stale translation; 'log' unless said otherwise. 'ignore': they are not looked for. */
  readonly staleTranslations?: StaleMode;
  readonly stopOnEntry?: boolean;
  /** Run without stopping at breakpoints. */
  readonly noDebug?: boolean;
  /** What the machine's time follows: executed instructions, or the host's clock while it runs; virtual unless said otherwise. */
  readonly clock?: ClockKind;
  /** How waiting for timers passes where time is virtual; in real time unless said otherwise. */
  readonly pacing?: Pacing;
}
