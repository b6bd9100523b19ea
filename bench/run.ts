/** `npm run bench`: how fast our machine is beside QEMU. See README.md. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { groups } from './catalogue';
import { HELP, parseCommandLine } from './command-line';
import { DEBUGGER_GROUP, measureDebugger, measurements } from './debugger/measurements';
import { BenchError } from './errors';
import { HYPERVISOR_GROUP, measureHypervisor } from './hypervisor/group';
import { hypervisorMeasurements } from './hypervisor/measurements';
import { profile } from './profile';
import { taskOf } from './image';
import { measureGroups } from './report';

const print = (line: string): void => console.log(line);

async function main(args: readonly string[], folder: string): Promise<void> {
  const options = parseCommandLine(args);
  if (options.help) return print(HELP);
  if (options.list) {
    const own = { name: DEBUGGER_GROUP, programs: measurements };
    const hypervisor = { name: HYPERVISOR_GROUP, programs: hypervisorMeasurements };
    for (const { name, programs } of [...groups, own, hypervisor])
      print(`${name}: ${programs.map((program) => program.name).join(', ')}`);
    return;
  }
  if (options.profile !== undefined) {
    const program = groups.flatMap(({ programs }) => programs).find(({ name }) => name === options.profile);
    if (!program) throw new BenchError(`"${options.profile}" is not a program; npm run bench -- --list shows them.`);
    return profile(taskOf(program, folder, options.length), options.without, folder, print);
  }
  const setting = { ...options, folder, print };
  const report = options.groups.length > 0 ? await measureGroups(options.groups, setting) : {};
  const debug = options.measurements.length > 0 ? await measureDebugger(options.measurements, setting) : [];
  const hypervisor = options.hypervisor.length > 0 ? measureHypervisor(options.hypervisor, setting) : [];
  if (options.json !== undefined) {
    writeFileSync(options.json, `${JSON.stringify({ ...report, debugger: debug, hypervisor }, undefined, 2)}\n`);
  }
}

const folder = mkdtempSync(join(tmpdir(), 'hypocaust-bench-'));
main(process.argv.slice(2), folder)
  .catch((error: Error) => {
    console.error(error instanceof BenchError ? `bench: ${error.message}` : error);
    process.exitCode = 1;
  })
  .finally(() => rmSync(folder, { recursive: true }));
