/** What stops a measurement, in a sentence for the user. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
}
