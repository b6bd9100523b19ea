/** The command line of `npm run bench`. */
import { isTechnique, techniques } from '../src/engine/techniques';
import type { Technique } from '../src/engine/techniques';
import { groups } from './catalogue';
import type { Group } from './catalogue';
import { DEBUGGER_GROUP, measurements } from './debugger/measurements';
import type { Measurement } from './debugger/measurements';
import { BenchError } from './errors';
import { HYPERVISOR_GROUP } from './hypervisor/group';
import { hypervisorMeasurements } from './hypervisor/measurements';
import type { HypervisorMeasurement } from './hypervisor/measurements';
import type { Length } from './image';

/** Pairs of runs, of which the median is reported. */
const DEFAULT_PAIRS = 5;

export const HELP = `npm run bench -- [GROUP | PROGRAM]... [options]

  --pairs N             runs of each side, in turn (${DEFAULT_PAIRS})
  --quick               a tenth of the work, for a rough look: starts weigh more, ratios are no use beyond that
  --json FILE           write the figures as JSON, too
  --without TECHNIQUE   measure ours once more without it; may be given more than once, for all of them together
  --profile PROGRAM     only run this program on our side, and show where the time goes
  --list                show the programs

groups: ${[...groups.map(({ name }) => name), DEBUGGER_GROUP, HYPERVISOR_GROUP].join(', ')}
techniques: ${Object.keys(techniques).join(', ')}`;

export interface BenchOptions {
  /** Groups with the programs to be measured. */
  readonly groups: readonly Group[];
  /** What is measured on our side alone. */
  readonly measurements: readonly Measurement[];
  readonly hypervisor: readonly HypervisorMeasurement[];
  readonly pairs: number;
  readonly length: Length;
  readonly json: string | undefined;
  readonly without: readonly Technique[];
  readonly profile: string | undefined;
  readonly list: boolean;
  readonly help: boolean;
}

/** @throws BenchError */
export function parseCommandLine(args: readonly string[]): BenchOptions {
  const names: string[] = [];
  const without: Technique[] = [];
  const given = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const [option, attached] = args[i].split(/=(.*)/s);
    if (!option.startsWith('-')) {
      names.push(option);
    } else if (option === '--list' || option === '--quick' || option === '--help') {
      given.set(option, '');
    } else if (option === '--pairs' || option === '--json' || option === '--without' || option === '--profile') {
      const value = attached ?? args[++i];
      if (value === undefined) throw new BenchError(`${option} needs a value; see npm run bench -- --help.`);
      if (option === '--without') without.push(...value.split(',').map(technique));
      else given.set(option, value);
    } else {
      throw new BenchError(`${option} is not an option; see npm run bench -- --help.`);
    }
  }
  const pairs = Number(given.get('--pairs') ?? DEFAULT_PAIRS);
  if (!Number.isInteger(pairs) || pairs < 1) {
    throw new BenchError(`--pairs ${given.get('--pairs')}: give a number of runs, at least 1.`);
  }
  return {
    ...select(names),
    pairs,
    length: given.has('--quick') ? 'quick' : 'full',
    json: given.get('--json'),
    without,
    profile: given.get('--profile'),
    list: given.has('--list'),
    help: given.has('--help'),
  };
}

/** The groups, or parts of them, that are named; all when there are no names. @throws BenchError for unknown names */
function select(names: readonly string[]): Pick<BenchOptions, 'groups' | 'measurements' | 'hypervisor'> {
  const isWanted = (group: string, name: string) => names.length === 0 || names.includes(group) || names.includes(name);
  const known = [
    ...groups,
    { name: DEBUGGER_GROUP, programs: measurements },
    { name: HYPERVISOR_GROUP, programs: hypervisorMeasurements },
  ];
  const knownNames = known.flatMap(({ name, programs }) => [name, ...programs.map((program) => program.name)]);
  const unknown = names.find((name) => !knownNames.includes(name));
  if (unknown !== undefined) {
    throw new BenchError(`"${unknown}" is neither a group nor a program; npm run bench -- --list shows them.`);
  }
  const selected = groups.map((group) => ({
    ...group,
    programs: group.programs.filter(({ name }) => isWanted(group.name, name)),
  }));
  return {
    groups: selected.filter(({ programs }) => programs.length > 0),
    measurements: measurements.filter(({ name }) => isWanted(DEBUGGER_GROUP, name)),
    hypervisor: hypervisorMeasurements.filter(({ name }) => isWanted(HYPERVISOR_GROUP, name)),
  };
}

function technique(name: string): Technique {
  if (isTechnique(name)) return name;
  throw new BenchError(`"${name}" is not a technique; there are ${Object.keys(techniques).join(', ')}.`);
}
