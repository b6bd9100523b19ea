/** Why a machine's `run` came back, and how it ended. */

/** How a program ended the machine. */
export interface PowerOff {
  readonly code: number;
  readonly reason: 'shutdown' | 'reboot' | 'failure';
}

export type RunResult =
  /** The instructions asked for were executed. */
  | { readonly kind: 'limit' }
  /** `requestStop`, or `onTrap` said 'stop'. */
  | { readonly kind: 'stopped' }
  /** The current hart stands before the instruction at a breakpoint. */
  | { readonly kind: 'breakpoint'; readonly pc: bigint }
  /** All harts are in WFI or stopped, and nothing but input will wake one. */
  | { readonly kind: 'idle' }
  /** All harts were in WFI or stopped, and virtual time was advanced to the first timer by this many ticks. */
  | { readonly kind: 'waiting'; readonly ticks: number }
  /** Time follows the host's clock, and the hart is in WFI for so many ticks: call `run` again then, or after input. */
  | { readonly kind: 'asleep'; readonly ticks: number }
  /** It is the turn of the hart that was asked for. */
  | { readonly kind: 'turn' }
  /** The program ended the machine. */
  | ({ readonly kind: 'power-off' } & PowerOff);
