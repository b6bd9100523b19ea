/** The `hypocaust` command: `run`, `dap` and `demo`. */
import { dap } from './dap';
import { enableHostFeatures } from '../adapter/host-features';
import { UsageError } from './usage-error';

const help = (runOptions: string) => `hypocaust: RISC-V guest kernels under the Hypocaust hypervisor

  hypocaust run [options] KERNEL   run a kernel, its console on the terminal (Ctrl-A X ends it)
  hypocaust dap [--port N]         serve the debug adapter on standard input and output, or on a TCP port
  hypocaust demo                   show a debugging session with the sample kernel

Options of run:
${runOptions}

The exit status of run is the guest's own, 1 when something is wrong, 124 when a limit was reached.
`;

/** Each command: its arguments to the exit status. What a command needs is loaded when it is given. */
const commands: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  run: async (args) => (await import('./run')).run(args),
  dap,
  demo: async (args) => {
    if (args.length > 0) throw new UsageError('demo takes no arguments.');
    return (await import('./demo/demo')).demo();
  },
};

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || args.includes('--help') || args.includes('-h') || name === 'help') {
    const { optionHelp } = await import('./run');
    process.stdout.write(help(optionHelp()));
    return name === undefined ? 2 : 0;
  }
  const command = commands[name];
  if (!command) throw new UsageError(`"${name}" is not a command; there are ${Object.keys(commands).join(', ')}.`);
  enableHostFeatures();
  return command(rest);
}

// When nothing is left to do: to give back memory piece by piece, as Node.js would then, takes longer than to let the system do it.
process.on('beforeExit', () => process.exit());

main(process.argv.slice(2)).then(
  (status) => {
    process.exitCode = status;
  },
  (error: Error) => {
    process.stderr.write(`hypocaust: ${error.message}\n`);
    // By its name: a part of the program that is loaded later has a class of its own.
    process.exitCode = error.name === UsageError.name ? 2 : 1;
  },
);
