/** Source paths: joining and normalising those of the debug information, and matching the user's against them. */
import type { FileLookup, FileMatch } from './model';

/** Whether the path starts at a root: `/`, or a Windows drive. */
export function isAbsolutePath(path: string): boolean {
  return path.startsWith('/') || /^[A-Za-z]:[\\/]/.test(path);
}

/** `path`, taken from `directory` when it is relative. */
export function joinPath(directory: string, path: string): string {
  if (directory === '' || isAbsolutePath(path)) return path;
  return path === '' ? directory : `${directory}/${path}`;
}

/** The path with `/` between components, without `.`, empty components, and `..` behind a component. */
export function normalizePath(path: string): string {
  const text = /^[A-Za-z]:\\/.test(path) ? path.replaceAll('\\', '/') : path;
  const isRooted = text.startsWith('/');
  const parts: string[] = [];
  for (const part of text.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.length > 0 && parts[parts.length - 1] !== '..') parts.pop();
    else if (!isRooted) parts.push(part);
  }
  return (isRooted ? '/' : '') + parts.join('/');
}

/** Components that tell paths apart, from the last to the first; leading `..` of a relative path say nothing. */
function componentsFromEnd(path: string): string[] {
  const parts = path.split('/').reverse();
  while (parts.length > 0 && (parts[parts.length - 1] === '' || parts[parts.length - 1] === '..')) parts.pop();
  return parts;
}

/** How well the user's (normalised) path fits `file`, or undefined when it cannot mean it. */
export function matchPath(path: string, file: string): FileMatch | undefined {
  if (path === file) return { file, quality: 'exact', components: componentsFromEnd(file).length };
  const wanted = componentsFromEnd(path);
  const offered = componentsFromEnd(file);
  const shorter = Math.min(wanted.length, offered.length);
  let components = 0;
  while (components < shorter && wanted[components] === offered[components]) components++;
  if (components === 0) return undefined;
  const isWhole =
    (components === offered.length && !isAbsolutePath(file)) || (components === wanted.length && !isAbsolutePath(path));
  if (isWhole) return { file, quality: 'exact', components };
  return isAbsolutePath(file) && isAbsolutePath(path) ? { file, quality: 'suffix', components } : undefined;
}

/** Finds files by their last component. */
export class PathIndex {
  private readonly byBaseName = new Map<string, string[]>();

  constructor(readonly files: readonly string[]) {
    for (const file of files) {
      const baseName = baseNameOf(file);
      const group = this.byBaseName.get(baseName);
      if (group) group.push(file);
      else this.byBaseName.set(baseName, [file]);
    }
  }

  /** The file with the longest common suffix; ambiguous when several fit equally well. */
  find(userPath: string): FileLookup {
    const path = normalizePath(userPath);
    const matches = (this.byBaseName.get(baseNameOf(path)) ?? [])
      .map((file) => matchPath(path, file))
      .filter((match) => match !== undefined);
    const equal = matches.find(({ file }) => file === path);
    if (equal) return { kind: 'found', ...equal };
    const longest = Math.max(...matches.map(({ components }) => components));
    const best = matches.filter(({ components }) => components === longest);
    if (best.length > 1) return { kind: 'ambiguous', candidates: best.map(({ file }) => file) };
    return best[0] ? { kind: 'found', ...best[0] } : { kind: 'unknown-file' };
  }
}

function baseNameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
