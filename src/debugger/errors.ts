/** The debugger's errors: each message is one sentence for the user. */

/** A request that cannot be done: what is wrong and, where possible, what to do. */
export class DebuggerError extends Error {
  override readonly name: string = 'DebuggerError';
}

/** A file that was read and cannot be used. */
export class FileError extends DebuggerError {
  override readonly name = 'FileError';

  constructor(
    readonly path: string,
    problem: string,
  ) {
    super(`${path}: ${problem}`);
  }
}

/** An expression that cannot be read or evaluated. */
export class ExpressionError extends DebuggerError {
  override readonly name = 'ExpressionError';
}
