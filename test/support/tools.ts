/** Finds the Debian tools that some tests compare with; where one is missing, the test is skipped, in CI it fails. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where Debian has tools that a user's PATH may not name, such as mke2fs. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/sbin'];

/** The path of `name` on the PATH, or undefined. */
export function findTool(name: string): string | undefined {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_FOLDERS]) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  return undefined;
}

/**
 * The path of the tool `name`. Without it: in CI an error; elsewhere the running mocha test is skipped and its title
 * says which tool is missing. Call it inside a `function () {}` test or hook, with mocha's `this` as `context`.
 */
export function requireTool(name: string, context: Mocha.Context): string {
  const path = findTool(name);
  if (path !== undefined) return path;
  const message = `needs ${name}; run scripts/install-debian-packages.sh`;
  if (process.env.CI) throw new Error(message);
  if (context.test) context.test.title += ` [skipped: ${message}]`;
  return context.skip();
}
