/** Finds the guest kernels that a workspace holds, and lets the user choose one. */
import { open } from 'node:fs/promises';
import * as vscode from 'vscode';
import { ELF_HEADER_BYTES, isRiscvProgram } from './elf-header';

/** Files looked at, at most; beyond, the user chooses by a file dialog. */
const MOST_CANDIDATES = 5000;
const MOST_OFFERED = 50;
const PATTERN = '**/*';
/** Folders with many files and no kernels, and files that are no programs by their name. */
const EXCLUDED = `{**/node_modules/**,**/.git/**,**/*.{${[
  ...[
    'c',
    'h',
    'cc',
    'cpp',
    'hpp',
    'rs',
    's',
    'S',
    'asm',
    'py',
    'js',
    'ts',
    'json',
    'toml',
    'lock',
    'md',
    'txt',
    'html',
  ],
  ...['o', 'a', 'd', 'rlib', 'rmeta', 'map', 'ld', 'png', 'jpg', 'svg', 'pdf', 'gz', 'zip', 'xz', 'yml', 'yaml'],
].join(',')}}}`;

async function isKernel(file: vscode.Uri): Promise<boolean> {
  try {
    const handle = await open(file.fsPath, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(new Uint8Array(ELF_HEADER_BYTES), 0, ELF_HEADER_BYTES, 0);
      return isRiscvProgram(buffer.subarray(0, bytesRead));
    } finally {
      await handle.close();
    }
  } catch {
    return false; // A file that cannot be read is no candidate.
  }
}

/** RISC-V ELF64 programs in `folder`, or in the whole workspace; those nearest to the top first. */
export async function findKernels(
  folder: vscode.WorkspaceFolder | undefined,
  token?: vscode.CancellationToken,
): Promise<vscode.Uri[]> {
  const pattern = folder ? new vscode.RelativePattern(folder, PATTERN) : PATTERN;
  const files = await vscode.workspace.findFiles(pattern, EXCLUDED, MOST_CANDIDATES, token);
  const local = files.filter(({ scheme }) => scheme === 'file');
  local.sort((a, b) => depth(a) - depth(b) || a.path.localeCompare(b.path));
  const kernels: vscode.Uri[] = [];
  for (const file of local) {
    if (kernels.length === MOST_OFFERED || token?.isCancellationRequested) break;
    if (await isKernel(file)) kernels.push(file);
  }
  return kernels;
}

const depth = (file: vscode.Uri): number => file.path.split('/').length;

/**
 * Asks which kernel to debug: the workspace's kernels in a quick pick, then a file dialog.
 * @returns the file's path, or undefined when the user gives up
 */
export async function pickKernel(folder: vscode.WorkspaceFolder | undefined): Promise<string | undefined> {
  const kernels = await findKernels(folder);
  if (kernels.length === 0) return browse(folder);
  const browseItem = { label: '$(folder-opened) Browse…', description: 'choose another file', file: undefined };
  const items = [
    ...kernels.map((file) => ({
      label: `$(file-binary) ${vscode.workspace.asRelativePath(file)}`,
      description: '',
      file,
    })),
    browseItem,
  ];
  const chosen = await vscode.window.showQuickPick(items, {
    title: 'Debug a guest kernel under Hypocaust',
    placeHolder: 'The RISC-V ELF file of the kernel',
  });
  return chosen === browseItem ? browse(folder) : chosen?.file?.fsPath;
}

async function browse(folder: vscode.WorkspaceFolder | undefined): Promise<string | undefined> {
  const chosen = await vscode.window.showOpenDialog({
    title: 'The guest kernel (a RISC-V ELF64 file)',
    openLabel: 'Debug',
    ...(folder ? { defaultUri: folder.uri } : {}),
  });
  return chosen?.[0]?.fsPath;
}
