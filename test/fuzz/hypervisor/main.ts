/** The command; `command.ts` says how it is used. */
import { fuzzHypervisor } from './command';

process.exitCode = fuzzHypervisor(process.argv.slice(2), (line) => process.stdout.write(`${line}\n`));
