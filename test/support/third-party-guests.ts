/** Guests of other people, from Debian's packages: fetched once, kept outside the checkout. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const SCRIPT = join(__dirname, '..', '..', 'scripts', 'fetch-guests.sh');
const FETCH_SECONDS = 300;

/** Paths of what `scripts/fetch-guests.sh` has fetched. */
export interface ThirdPartyGuests {
  /** Linux as a flat image, and the busybox that makes its user space. */
  readonly linux: string;
  readonly busybox: string;
  /** The kernel's modules, each after those that it needs. */
  readonly modules: string;
  /** The Debian installer: its own kernel, and its initial RAM disk. */
  readonly installerLinux: string;
  readonly installerInitrd: string;
}

let fetched: ThirdPartyGuests | { readonly problem: string } | undefined;

/** The guests, fetched now if they were not; or why they cannot be had. */
export function findThirdPartyGuests(): ThirdPartyGuests | { readonly problem: string } {
  return (fetched ??= fetch());
}

/**
 * The guests, fetched now if they were not. Where they cannot be had: in CI an error; elsewhere the running mocha test is
 * skipped and its title says why. Call it inside a `function () {}` test or hook, with mocha's `this` as `context`.
 */
export function requireThirdPartyGuests(context: Mocha.Context): ThirdPartyGuests {
  const found = findThirdPartyGuests();
  if (!('problem' in found)) return found;
  if (process.env.CI) throw new Error(found.problem);
  if (context.test) context.test.title += ` [skipped: ${found.problem}]`;
  return context.skip();
}

function fetch(): ThirdPartyGuests | { readonly problem: string } {
  const { status, stdout, stderr, error } = spawnSync('bash', [SCRIPT], {
    encoding: 'utf8',
    timeout: FETCH_SECONDS * 1000,
  });
  if (status !== 0)
    return { problem: `needs scripts/fetch-guests.sh, which says: ${(error?.message ?? stderr).trim()}` };
  const path = (name: string) => join(stdout.trim(), name);
  return {
    linux: path('linux'),
    busybox: path('busybox'),
    modules: path('modules'),
    installerLinux: path('installer-linux'),
    installerInitrd: path('installer-initrd.gz'),
  };
}

/** The modules by name, with their bytes. */
export function readModules({ modules }: ThirdPartyGuests): { readonly name: string; readonly data: Uint8Array }[] {
  return readdirSync(modules).map((file) => ({ name: file, data: readFileSync(join(modules, file)) }));
}
