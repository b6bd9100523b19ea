/** A guest's consoles as VS Code's terminals: what is typed and pasted arrives as it is, and the guest learns their size. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { assembleSource } from '../../../src/isa/assemble';
import type { ConsoleOutputBody } from '../../../src/protocol/console';
import { buildElf } from '../../support/elf-builder';
import { eventually, Sessions } from './sessions';

const ENTRY = 0x80200000n;
const PASTED = 1_000_000;

/**
 * Tells the size in the virtio console's configuration (rows and columns, four hexadecimal digits each) whenever it changes,
 * and each byte that the serial port receives; behind a `P`, a checksum of the next million.
 */
const KERNEL = `
    li s0, 0x10000000
    li s1, 0x10001100
    li t0, 7
    sb t0, 2(s0)
    li s2, -1
    li s3, 0
  look: lw a0, (s1)
    beq a0, s2, listen
    mv s2, a0
    li a1, 28
    call print
  listen: lbu t0, 5(s0)
    andi t0, t0, 1
    beqz t0, look
    lbu a0, (s0)
    bnez s3, paste
    li t0, 0x50
    beq a0, t0, begin
    li a1, 4
    call print
    j look
  begin: li s3, ${PASTED}
    li s4, 0
    j look
  paste: slliw t0, s4, 5
    addw s4, s4, t0
    addw s4, s4, a0
    addi s3, s3, -1
    bnez s3, listen
    mv a0, s4
    li a1, 28
    call print
    j look
  print: srlw t0, a0, a1
    andi t0, t0, 15
    li t1, 10
    addi t2, t0, 0x30
    blt t0, t1, digit
    addi t2, t0, 0x57
  digit: sb t2, (s0)
    addi a1, a1, -4
    bgez a1, print
    li t2, 10
    sb t2, (s0)
    ret`;

export function define(): void {
  describe('the terminals of a guest', () => {
    const sessions = new Sessions();
    let folder: string;
    let text = '';
    const listening = vscode.debug.onDidReceiveDebugSessionCustomEvent(({ event, body }) => {
      if (event !== 'hypocaust/consoleOutput') return;
      text += Buffer.from((body as ConsoleOutputBody).data, 'base64').toString('latin1');
    });

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'hypocaust-'));
      const program = join(folder, 'listener.elf');
      const { bytes } = assembleSource(KERNEL, ENTRY);
      writeFileSync(program, buildElf([{ name: '.text', data: bytes, flags: 6, address: ENTRY }], ENTRY));
      const configuration = { type: 'hypocaust', request: 'launch', name: 'listener', mode: 'bare' };
      const devices = { program, machine: { devices: ['console'] } };
      assert.equal(await vscode.debug.startDebugging(undefined, { ...configuration, ...devices }), true);
    });
    after(async () => {
      await sessions.reset();
      sessions.dispose();
      listening.dispose();
      rmSync(folder, { recursive: true });
    });

    async function terminal(name: string): Promise<vscode.Terminal> {
      const find = () => vscode.window.terminals.find((one) => one.name === name);
      await eventually(`there is a terminal ${name}`, () => find() !== undefined);
      return find()!;
    }

    const sizes = (): string[] => (text.match(/^[0-9a-f]{8}$/gm) ?? []).filter((size) => !size.includes('0000'));

    it('tell a virtio console their size, at first and when it changes', async () => {
      (await terminal('listener (virtio console)')).show();
      await eventually('the guest knows the size', () => sizes().length > 0);
      const before = sizes().at(-1);
      await vscode.commands.executeCommand('workbench.action.toggleMaximizedPanel');
      await eventually('the guest knows the new size', () => sizes().at(-1) !== before);
      await vscode.commands.executeCommand('workbench.action.toggleMaximizedPanel');
      await eventually('the guest knows the next size', () => sizes().length > 2 && sizes().at(-1) !== sizes().at(-2));
    });

    it('send control characters to the guest', async () => {
      const serial = await terminal('listener');
      serial.show();
      await eventually('it is in front', () => vscode.window.activeTerminal === serial);
      await vscode.commands.executeCommand('workbench.action.terminal.focus');
      text = '';
      // Ctrl-C, Ctrl-Z, Escape, a letter, and one of two bytes.
      await vscode.commands.executeCommand('workbench.action.terminal.sendSequence', { text: '\x03\x1a\x1bxä' });
      const arrived = () => (text.match(/^[0-9a-f]{2}$/gm) ?? []).join(' ');
      await eventually('they have arrived', () => arrived().endsWith('a4'));
      assert.equal(arrived(), '03 1a 1b 78 c3 a4');
    });

    it('lose and invent nothing of a million characters that are pasted', async () => {
      const pasted = Array.from({ length: PASTED }, (_, i) => String.fromCharCode(0x61 + ((i * i) % 23))).join('');
      let expected = 0;
      for (let i = 0; i < PASTED; i++) expected = (Math.imul(expected, 33) + pasted.charCodeAt(i)) | 0;
      text = '';
      (await terminal('listener')).sendText(`P${pasted}x`, false);
      await eventually('what is behind it is there', () => text.endsWith('78\n'));
      assert.ok(text.endsWith(`${(expected >>> 0).toString(16).padStart(8, '0')}\n78\n`), text);
    });
  });
}
