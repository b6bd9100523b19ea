/** The debug adapter as a program: on stdin and stdout, or with `--port N` on a TCP port. */
import { enableHostFeatures } from './host-features';

async function main(args: readonly string[]): Promise<void> {
  const position = args.indexOf('--port');
  const port = Number(args[position + 1]);
  if (position >= 0 && (!Number.isInteger(port) || port < 0 || port > 65535)) {
    console.error('Give a port number from 0 to 65535 after --port.');
    process.exitCode = 2;
    return;
  }
  enableHostFeatures();
  // Loaded as a part of its own: see scripts/build.mjs.
  const { servePort, serveStdio } = await import('./serve');
  if (position < 0) {
    serveStdio();
    return;
  }
  try {
    const { port: open } = await servePort(port);
    console.error(`The debug adapter listens on port ${open}.`);
  } catch (error) {
    console.error(`The debug adapter cannot listen on port ${port}: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}

void main(process.argv);
