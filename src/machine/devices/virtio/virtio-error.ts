/** What a driver did that its device cannot go on after; the message says what, for whoever debugs the driver. */
export class VirtioError extends Error {
  override readonly name = 'VirtioError';
}
