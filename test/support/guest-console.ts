/** What tests need of a running guest's console, whichever machine the guest runs on. */

/** A running guest's console: text comes out of it, and can be typed into it. */
export interface GuestConsole {
  /** All output so far, as the guest wrote it (lines end in CR LF where the guest writes that). */
  readonly output: string;
  /** Types text, as if on a keyboard. */
  send(text: string): void;
  /**
   * Waits until output that no earlier `waitFor` has passed matches the pattern. Answers that output up to the end of
   * the match. Rejects, with the output so far in the message, when the guest ends or the time is over.
   */
  waitFor(pattern: RegExp): Promise<string>;
}
