/** The debug adapter as a program: on stdin and stdout, or with `--port N` on a TCP port. */
import { enableHostFeatures } from './host-features';
import { servePort, serveStdio } from './serve';

enableHostFeatures();

const position = process.argv.indexOf('--port');
if (position < 0) {
  serveStdio();
} else {
  const port = Number(process.argv[position + 1]);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    console.error('Give a port number from 0 to 65535 after --port.');
    process.exitCode = 2;
  } else {
    servePort(port).then(
      ({ port: open }) => console.error(`The debug adapter listens on port ${open}.`),
      (error: Error) => {
        console.error(`The debug adapter cannot listen on port ${port}: ${error.message}`);
        process.exitCode = 1;
      },
    );
  }
}
