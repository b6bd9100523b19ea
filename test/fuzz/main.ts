/** The command; `command.ts` says how it is used. */
import { fuzz } from './command';

process.exitCode = fuzz(process.argv.slice(2), (line) => process.stdout.write(`${line}\n`));
