/** Finds source lines by their marker, a comment such as `breakpoint: syscall`, so that tests need no line numbers. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const MARKER = /\/\* breakpoint: ([\w-]+) \*\//;

export interface MarkedLine {
  readonly marker: string;
  /** Path of the file: the folder that was searched, and from there on. */
  readonly path: string;
  /** Line number; the first line is 1. */
  readonly line: number;
}

/** All marked lines of the C, C++, Rust and assembly sources in a folder and the folders below. */
export function findMarkers(folder: string): MarkedLine[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return names
    .filter((name) => /\.(c|h|cc|cpp|rs|s|S)$/.test(name))
    .flatMap((name) => {
      const path = join(folder, name);
      const lines = readFileSync(path, 'utf8').split('\n');
      return lines.flatMap((text, index) => {
        const marker = MARKER.exec(text)?.[1];
        return marker === undefined ? [] : [{ marker, path, line: index + 1 }];
      });
    });
}

/** The one line with this marker; an error when there is none, or more than one. */
export function findMarker(folder: string, marker: string): MarkedLine {
  const found = findMarkers(folder).filter((line) => line.marker === marker);
  if (found.length !== 1) throw new Error(`${found.length} lines below ${folder} have the marker ${marker}, not 1`);
  return found[0];
}
