/** Between the client's ways of counting and naming and ours: lines and columns from 1, paths of this machine. */
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { DebugProtocol } from '@vscode/debugprotocol';

export class Conventions {
  private firstLine = 1;
  private firstColumn = 1;
  private usesUris = false;

  /** Follows what the client says of itself in `initialize`. */
  adopt(args: DebugProtocol.InitializeRequestArguments): void {
    this.firstLine = args.linesStartAt1 === false ? 0 : 1;
    this.firstColumn = args.columnsStartAt1 === false ? 0 : 1;
    this.usesUris = args.pathFormat === 'uri';
  }

  lineToClient(line: number): number {
    return line - 1 + this.firstLine;
  }

  lineFromClient(line: number): number {
    return line + 1 - this.firstLine;
  }

  columnToClient(column: number): number {
    return column - 1 + this.firstColumn;
  }

  columnFromClient(column: number): number {
    return column + 1 - this.firstColumn;
  }

  pathToClient(path: string): string {
    return this.usesUris ? pathToFileURL(path).href : path;
  }

  /** URIs that name no file are left as they are: nothing will be found for them. */
  pathFromClient(path: string): string {
    if (!this.usesUris || !path.startsWith('file:')) return path;
    try {
      return fileURLToPath(path);
    } catch {
      return path;
    }
  }
}
