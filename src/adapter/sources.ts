/**
 * Between the paths of the debug information and files on this machine. Programs are often built elsewhere or with relative
 * names, so that a name is looked for: as the user's `sourceMap` says, as it is, and relative to where the program lies.
 */
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, normalize } from 'node:path';

/** Folders above the program's that relative names may start from. */
const LEVELS_UP = 4;

export class Sources {
  private map: readonly (readonly [from: string, to: string])[] = [];
  private folders: readonly string[] = [];
  private readonly found = new Map<string, string | undefined>();

  /**
   * @param sourceMap prefixes of the debug information's paths → folders here
   * @param programs paths of the program files
   */
  configure(sourceMap: Readonly<Record<string, string>>, programs: readonly string[]): void {
    // Longest first: the most particular prefix decides.
    this.map = Object.entries(sourceMap).sort(([a], [b]) => b.length - a.length);
    this.folders = [...new Set(programs.flatMap((program) => foldersAbove(program)))];
    this.found.clear();
  }

  /** The file on this machine that a name of the debug information means; undefined when there is none. */
  locate(file: string): string | undefined {
    if (!this.found.has(file))
      this.found.set(
        file,
        this.candidates(file).find((path) => existsSync(path)),
      );
    return this.found.get(file);
  }

  /** The best path to show, whether there is such a file or not. */
  pathFor(file: string): string {
    return this.locate(file) ?? this.candidates(file)[0] ?? file;
  }

  /** Names by which the debug information may know a file of this machine, the path itself first. */
  namesOf(path: string): readonly string[] {
    const normal = normalize(path);
    const mapped = this.map.filter(([, to]) => isBelow(normal, normalize(to)));
    return [path, ...mapped.map(([from, to]) => joinName(from, normal.slice(normalize(to).length)))];
  }

  private candidates(file: string): readonly string[] {
    const mapped = this.map.filter(([from]) => isBelow(file, from));
    const fromMap = mapped.map(([from, to]) => join(to, file.slice(from.length)));
    // Built elsewhere: the more of the path's end is found below a folder here, the surer is the match.
    if (isAbsolute(file)) {
      const ends = pathEnds(file);
      return [...fromMap, file, ...ends.flatMap((end) => this.folders.map((folder) => join(folder, end)))];
    }
    return [...fromMap, ...this.folders.map((folder) => join(folder, file))];
  }
}

/** The path without its first components: the longest first, the file's name last. */
function pathEnds(path: string): string[] {
  const parts = path.split(/[\\/]/).filter(Boolean);
  return parts.map((_, index) => parts.slice(index).join('/'));
}

function foldersAbove(program: string): string[] {
  const folders: string[] = [];
  let folder = dirname(program);
  for (let level = 0; level < LEVELS_UP; level++) {
    folders.push(folder);
    if (dirname(folder) === folder) break;
    folder = dirname(folder);
  }
  return folders;
}

/** Whether a path is the prefix or lies in that folder. */
function isBelow(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false;
  return path.length === prefix.length || /[\\/]$/.test(prefix) || /[\\/]/.test(path[prefix.length]!);
}

/** Names in debug information have `/`, whatever this machine uses. */
function joinName(from: string, rest: string): string {
  return `${from.replace(/[\\/]$/, '')}/${rest.replace(/\\/g, '/').replace(/^\//, '')}`;
}
