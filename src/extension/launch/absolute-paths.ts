/** Makes the paths of a launch configuration absolute: in launch.json, paths are relative to the workspace folder. */
import { isAbsolute, join } from 'node:path';

type Fields = Readonly<Record<string, unknown>>;

const GUEST_PATHS = ['program', 'initrd'] as const;

/** The configuration with every relative path put under `folder`. What is not of the right type is left for the check. */
export function withAbsolutePaths<T extends Fields>(configuration: T, folder: string): T {
  const absolute = (path: unknown): unknown =>
    typeof path === 'string' && path !== '' && !isAbsolute(path) ? join(folder, path) : path;
  const guest = (fields: unknown): unknown => {
    if (!isFields(fields)) return fields;
    const result: Record<string, unknown> = { ...fields };
    for (const name of GUEST_PATHS) if (name in result) result[name] = absolute(result[name]);
    if (Array.isArray(result.symbols)) result.symbols = result.symbols.map(absolute);
    return result;
  };
  const { guests, program, sourceMap } = configuration;
  return {
    ...configuration,
    ...(program === undefined ? {} : { program: absolute(program) }),
    ...(Array.isArray(guests) ? { guests: guests.map(guest) } : {}),
    ...(isFields(sourceMap)
      ? { sourceMap: Object.fromEntries(Object.entries(sourceMap).map(([from, to]) => [from, absolute(to)])) }
      : {}),
  };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
