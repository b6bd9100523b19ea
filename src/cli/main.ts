/** The `hypocaust` command: `run`, `dap` and `demo`. */
import { dap } from './dap';
import { demo } from './demo/demo';
import { enableHostFeatures } from '../adapter/host-features';
import { optionHelp, parseRunOptions, UsageError } from './options';
import { run } from './run';

const HELP = `hypocaust: RISC-V guest kernels under the Hypocaust hypervisor

  hypocaust run [options] KERNEL   run a kernel, its console on the terminal (Ctrl-A X ends it)
  hypocaust dap [--port N]         serve the debug adapter on standard input and output, or on a TCP port
  hypocaust demo                   show a debugging session with the sample kernel

Options of run:
${optionHelp()}

The exit status of run is the guest's own, 1 when something is wrong, 124 when a limit was reached.
`;

/** Each command: its arguments to the exit status. */
const commands: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  run: (args) => run(parseRunOptions(args)),
  dap,
  demo: (args) => {
    if (args.length > 0) throw new UsageError('demo takes no arguments.');
    return demo();
  },
};

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || args.includes('--help') || args.includes('-h') || name === 'help') {
    process.stdout.write(HELP);
    return name === undefined ? 2 : 0;
  }
  const command = commands[name];
  if (!command) throw new UsageError(`"${name}" is not a command; there are ${Object.keys(commands).join(', ')}.`);
  enableHostFeatures();
  return command(rest);
}

main(process.argv.slice(2)).then(
  (status) => {
    process.exitCode = status;
  },
  (error: Error) => {
    process.stderr.write(`hypocaust: ${error.message}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  },
);
