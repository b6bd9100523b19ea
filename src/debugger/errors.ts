/** The debugger's errors: each message is one sentence for the user. */

/** A request that cannot be done: what is wrong and, where possible, what to do. */
export class DebuggerError extends Error {
  override readonly name: string = 'DebuggerError';
}

/** An expression that cannot be read or evaluated. */
export class ExpressionError extends DebuggerError {
  override readonly name = 'ExpressionError';
}
