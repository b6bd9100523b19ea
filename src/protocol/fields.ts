/**
 * Fields of a configuration that a user writes in JSON. A field is its JSON schema and its parser in one, made by one
 * function, so that what the editor accepts and what the adapter accepts are the same.
 */

/** The part of JSON schema that VS Code's `configurationAttributes` need. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly markdownDescription?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly enumDescriptions?: readonly string[];
  readonly pattern?: string;
  readonly patternErrorMessage?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly minItems?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly required?: readonly string[];
  readonly maxItems?: number;
  readonly not?: JsonSchema;
  /** What VS Code says in place of its own words. */
  readonly errorMessage?: string;
  readonly anyOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly if?: JsonSchema;
  readonly then?: JsonSchema;
}

/** A value that does not fit its field; the message is one sentence that names the field. */
export class ConfigurationError extends Error {
  constructor(
    /** Path of the field, such as `guests[0].memory`. */
    readonly field: string,
    problem: string,
  ) {
    super(`Launch configuration: "${field}" ${problem}`);
    this.name = 'ConfigurationError';
  }
}

/** A field that is not known where it was written. */
export class UnknownFieldError extends ConfigurationError {
  constructor(
    field: string,
    /** Its last part. */
    readonly unknown: string,
    known: readonly string[],
  ) {
    super(field, `is not a known field${suggestion(unknown, known)}.`);
  }
}

/** One field: `In` is what the user may write, `Out` what the program gets. */
export interface Field<In, Out> {
  readonly schema: JsonSchema;
  /** Used when the field is absent. */
  readonly fallback?: Out;
  readonly required: boolean;
  /** @throws ConfigurationError naming `path` */
  parse(value: unknown, path: string): Out;
  /** Carries the type of what may be written; never set. */
  readonly written?: In;
}

interface Common {
  readonly description: string;
  readonly required?: boolean;
}

type Table = Readonly<Record<string, Field<unknown, unknown>>>;

/** What a table of fields parses to. */
export type Parsed<T> = {
  readonly [K in keyof T]: ReturnType<T[K] extends Field<unknown, unknown> ? T[K]['parse'] : never>;
};

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return value === '' ? 'an empty string' : `the string "${value.slice(0, 60)}"`;
  if (typeof value === 'object') return 'an object';
  return `${typeof value === 'bigint' ? 'number' : typeof value} ${String(value)}`;
}

function mismatch(path: string, expected: string, value: unknown): ConfigurationError {
  return new ConfigurationError(path, `must be ${expected}, not ${describe(value)}.`);
}

/** A non-empty string, such as a path. */
export function text<Out extends string | undefined = string | undefined>(
  options: Common & { readonly default?: string; readonly mayBeEmpty?: boolean },
): Field<string, Out> {
  return {
    schema: {
      type: 'string',
      description: options.description,
      ...(options.default === undefined ? {} : { default: options.default }),
      ...(options.mayBeEmpty ? {} : { minLength: 1 }),
    },
    ...(options.default === undefined ? {} : { fallback: options.default as Out }),
    required: options.required ?? false,
    parse(value, path) {
      if (typeof value !== 'string') throw mismatch(path, 'a string', value);
      if (value === '' && !options.mayBeEmpty) throw mismatch(path, 'a non-empty string', value);
      return value as Out;
    },
  };
}

/** true or false. */
export function flag(options: Common & { readonly default: boolean }): Field<boolean, boolean> {
  return {
    schema: { type: 'boolean', description: options.description, default: options.default },
    fallback: options.default,
    required: false,
    parse(value, path) {
      if (typeof value !== 'boolean') throw mismatch(path, 'true or false', value);
      return value;
    },
  };
}

/** A whole number from 0 on. */
export function count(options: Common & { readonly default: number; readonly most: number }): Field<number, number> {
  const { description, most } = options;
  return {
    schema: { type: 'integer', description, minimum: 0, maximum: most, default: options.default },
    fallback: options.default,
    required: false,
    parse(value, path) {
      if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > most) {
        throw mismatch(path, `a whole number between 0 and ${most}`, value);
      }
      return value;
    },
  };
}

/** One of a few names, each with a description. */
export function choice<Name extends string>(
  options: Common & { readonly choices: Readonly<Record<Name, string>>; readonly default?: Name },
): Field<Name, Name> {
  const names = Object.keys(options.choices) as Name[];
  const list = names.map((name) => `"${name}"`).join(' or ');
  return {
    schema: {
      type: 'string',
      description: options.description,
      enum: names,
      enumDescriptions: names.map((name) => options.choices[name]),
      ...(options.default === undefined ? {} : { default: options.default }),
    },
    ...(options.default === undefined ? {} : { fallback: options.default }),
    required: false,
    parse(value, path) {
      const found = names.find((name) => name === value);
      if (found === undefined) throw mismatch(path, list, value);
      return found;
    },
  };
}

/** A whole number. */
export function integer<Out extends number | undefined = number | undefined>(
  options: Common & { readonly least: number; readonly most: number },
): Field<number, Out> {
  const { least, most } = options;
  return {
    schema: { type: 'integer', description: options.description, minimum: least, maximum: most },
    required: options.required ?? false,
    parse(value, path) {
      if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
        throw mismatch(path, `a whole number from ${least} to ${most}`, value);
      }
      return value as Out;
    },
  };
}

const SIZE = /^([0-9]+)\s*(?:([KMGkmg])(?:i?[Bb])?|[Bb])?$/;
const UNITS: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** Bytes of a size such as `128M`, `3 GiB` or `4096`; undefined when it is not a size. */
export function parseSize(value: string): number | undefined {
  const match = SIZE.exec(value.trim());
  if (!match) return undefined;
  const bytes = Number(match[1]) * (match[2] ? UNITS[match[2].toUpperCase()]! : 1);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A size in bytes, as a number or a string with unit. */
export function size(
  options: Common & { readonly default: string; readonly least: string; readonly most: string },
): Field<string | number, number>;
export function size(
  options: Common & { readonly default?: string; readonly least: string; readonly most: string },
): Field<string | number, number | undefined>;
export function size(
  options: Common & { readonly default?: string; readonly least: string; readonly most: string },
): Field<string | number, number | undefined> {
  const least = parseSize(options.least)!;
  const most = parseSize(options.most)!;
  return {
    schema: {
      type: ['string', 'number'],
      description: options.description,
      pattern: SIZE.source,
      patternErrorMessage: 'A size in bytes, or with unit, such as "128M" or "1G".',
      ...(options.default === undefined ? {} : { default: options.default }),
    },
    ...(options.default === undefined ? {} : { fallback: parseSize(options.default)! }),
    required: false,
    parse(value, path) {
      const bytes = typeof value === 'string' ? parseSize(value) : typeof value === 'number' ? value : undefined;
      if (bytes === undefined || !Number.isSafeInteger(bytes)) {
        throw mismatch(path, 'a size such as "128M" or "1G"', value);
      }
      if (bytes < least || bytes > most || bytes % 4096 !== 0) {
        throw mismatch(path, `whole 4 KiB pages between ${options.least} and ${options.most}`, value);
      }
      return bytes;
    },
  };
}

/** Nanoseconds since 1970 of a time such as `2024-02-29T12:00:00Z`; undefined when it is not a time from 1970 on. */
export function parseTime(value: string): bigint | undefined {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+(Z|[-+][0-9:]+))?$/.test(value)) return undefined;
  const milliseconds = Date.parse(value);
  return milliseconds >= 0 ? BigInt(milliseconds) * 1_000_000n : undefined;
}

/** A time of day and year, as ISO 8601 has it; to nanoseconds since 1970. */
export function time(options: Common): Field<string, bigint | undefined> {
  return {
    schema: { type: 'string', description: options.description },
    required: false,
    parse(value, path) {
      const parsed = typeof value === 'string' ? parseTime(value) : undefined;
      if (parsed === undefined) throw mismatch(path, 'a time such as "2024-02-29T12:00:00Z"', value);
      return parsed;
    },
  };
}

/** A 64-bit address: a number, or a string in hexadecimal with `0x` or in decimal. */
export function address(options: Common): Field<string | number, bigint | undefined> {
  return {
    schema: {
      type: ['string', 'number'],
      description: options.description,
      pattern: '^(0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})$',
      patternErrorMessage: 'An address such as "0x80200000".',
    },
    required: false,
    parse(value, path) {
      const expected = 'a 64-bit address such as "0x80200000"';
      if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
      if (typeof value !== 'string' || !/^(0x[0-9a-f]{1,16}|[0-9]{1,20})$/i.test(value)) {
        throw mismatch(path, expected, value);
      }
      const parsed = BigInt(value);
      if (parsed >= 1n << 64n) throw mismatch(path, expected, value);
      return parsed;
    },
  };
}

/** A list of like items. */
export function list<In, Out>(
  options: Common & { readonly items: Field<In, Out> },
): Field<readonly In[], readonly Out[] | undefined> {
  return {
    schema: { type: 'array', description: options.description, items: options.items.schema },
    required: options.required ?? false,
    parse(value, path) {
      if (!Array.isArray(value)) throw mismatch(path, 'a list', value);
      return value.map((item: unknown, index) => options.items.parse(item, `${path}[${index}]`));
    },
  };
}

/** An object with free names and string values. */
export function textMap(options: Common): Field<Readonly<Record<string, string>>, Readonly<Record<string, string>>> {
  return {
    schema: { type: 'object', description: options.description, additionalProperties: { type: 'string' }, default: {} },
    fallback: {},
    required: false,
    parse(value, path) {
      if (!isObject(value)) throw mismatch(path, 'an object of strings', value);
      for (const [key, item] of Object.entries(value)) {
        if (typeof item !== 'string') throw mismatch(`${path}["${key}"]`, 'a string', item);
      }
      return value as Readonly<Record<string, string>>;
    },
  };
}

/** An object with the fields of a table, and no others; with a default, all of which may be absent. */
export function record<T extends Table>(
  options: Common & { readonly fields: T; readonly default?: Readonly<Record<string, never>> },
): Field<Readonly<Record<string, unknown>>, Parsed<T>> {
  return {
    schema: { ...objectSchema(options.fields), description: options.description },
    ...(options.default === undefined ? {} : { fallback: parseObject(options.fields, options.default, '') }),
    required: options.required ?? false,
    parse: (value, path) => parseObject(options.fields, value, path),
  };
}

/** The JSON schema of an object with these fields and no others. */
export function objectSchema(fields: Table): JsonSchema {
  const required = Object.keys(fields).filter((name) => fields[name]!.required);
  return {
    type: 'object',
    properties: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.schema])),
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
  };
}

/**
 * Parses an object by a table of fields.
 * @param path of the object, empty at the top
 * @param isForeign names to pass over: fields that belong to the editor
 * @throws ConfigurationError for a wrong type, a missing required field, or a field that the table does not know
 */
export function parseObject<T extends Table>(
  fields: T,
  value: unknown,
  path: string,
  isForeign: (name: string) => boolean = () => false,
): Parsed<T> {
  if (!isObject(value)) throw mismatch(path || 'configuration', 'an object', value);
  const at = (name: string): string => (path ? `${path}.${name}` : name);
  for (const name of Object.keys(value)) {
    if (!Object.hasOwn(fields, name) && !isForeign(name)) {
      throw new UnknownFieldError(at(name), name, Object.keys(fields));
    }
  }
  const result: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const item = Object.hasOwn(value, name) ? value[name] : undefined;
    if (item !== undefined) result[name] = field.parse(item, at(name));
    else if (field.required) throw new ConfigurationError(at(name), `is missing: ${field.schema.description ?? ''}`);
    else if (field.fallback !== undefined) result[name] = field.fallback;
  }
  return result as Parsed<T>;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function suggestion(name: string, known: readonly string[]): string {
  const near = known.find((other) => distance(name.toLowerCase(), other.toLowerCase()) <= 2);
  return near ? `; perhaps "${near}" is meant` : `; the fields here are ${known.join(', ')}`;
}

/** Levenshtein distance, for suggestions only. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
}
