/** A command line that cannot be used; the message says which part and what would do. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
