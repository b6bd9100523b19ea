/** `hypocaust dap`: the debug adapter for any client. */
import { UsageError } from './usage-error';

/**
 * Serves on standard input and output, or on a TCP port of this machine. Ends with its client, or when it is ended.
 * @throws UsageError
 */
export async function dap(args: readonly string[]): Promise<never> {
  const [option, value, ...rest] = args[0]?.startsWith('--port=')
    ? ['--port', args[0].slice(7), ...args.slice(1)]
    : args;
  const { servePort, serveStdio } = await import('../adapter/serve');
  if (option === undefined) {
    serveStdio();
  } else {
    if (option !== '--port' || value === undefined || rest.length > 0) {
      throw new UsageError('dap takes nothing but --port N.');
    }
    const port = Number(value);
    if (!Number.isInteger(port) || port < 0 || port > 65535) {
      throw new UsageError(`--port ${value}: not a port; give a number from 0 (any free one) to 65535.`);
    }
    const { port: open } = await servePort(port);
    process.stderr.write(`hypocaust: the debug adapter listens on 127.0.0.1:${open}.\n`);
  }
  return new Promise<never>(() => undefined);
}
