// Steps by line and by instruction, across calls, system calls, interrupts and page faults.
import assert from 'node:assert/strict';
import { basename } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { findMarker } from '../support/markers';
import { Client, SAMPLE } from './client';

describe('debug adapter: stepping', () => {
  let client: Client;
  beforeEach(async () => {
    client = await Client.start();
  });
  afterEach(() => client.stop());

  /** Stops at the marker the first time, and removes the breakpoint. */
  async function runTo(marker: string, configuration: Record<string, unknown> = {}): Promise<void> {
    await client.launch({ markers: [marker], configuration });
    await client.stopped();
    await client.clearBreakpoints([marker]);
  }

  async function step(
    command: 'next' | 'stepIn' | 'stepOut',
    granularity: DebugProtocol.SteppingGranularity = 'statement',
  ): Promise<string> {
    await client.request(command, { threadId: 1, granularity });
    const stopped = await client.stopped();
    assert.equal(stopped.reason, 'step');
    const [top] = await client.stack(1);
    return `${top!.name} ${basename(top!.source?.path ?? '')}:${top!.line}`;
  }

  for (const mode of ['hypervisor', 'bare']) {
    describe(mode, () => {
      const configuration = { mode, ...(mode === 'bare' ? { machine: { memory: '128M' } } : {}) };

      it('steps over calls, line by line', async () => {
        await runTo('boot', configuration);
        const { line } = findMarker(SAMPLE, 'boot');
        assert.equal(await step('next'), `kernel_main main.c:${line + 1}`);
        assert.equal(await step('next'), `kernel_main main.c:${line + 2}`);
        assert.equal(await step('next'), `kernel_main main.c:${line + 4}`);
      });

      it('steps into a function behind its prologue, and out again', async () => {
        await runTo('boot', configuration);
        assert.match(await step('stepIn'), /^memory_init memory.c/);
        const arguments_ = await client.scope('Arguments');
        assert.match(arguments_[0]!.value, /\d/);
        assert.match(await step('stepOut'), /^kernel_main main.c/);
      });

      it('steps over a page fault that the kernel repairs', async () => {
        await runTo('user-a-heap', configuration);
        const { line } = findMarker(SAMPLE, 'user-a-heap');
        assert.equal(await step('next'), `user_a_main program-a.c:${line + 1}`);
        assert.equal(await step('next'), `user_a_main program-a.c:${line + 2}`);
        assert.match(await client.evaluate('heap[0]'), /^65\b/);
      });

      it('is not derailed by interrupts and other processes', async () => {
        await runTo('user-a-loop', configuration);
        const { line } = findMarker(SAMPLE, 'user-a-loop');
        const value = Number(await client.evaluate('rounds'));
        for (let round = 1; round <= 3; round++) {
          assert.equal(await step('next'), `compute_until_preempted program-a.c:${line + 1}`);
          assert.equal(await step('next'), `compute_until_preempted program-a.c:${line + 2}`);
          assert.equal(await step('next'), `compute_until_preempted program-a.c:${line}`);
          assert.equal(Number(await client.evaluate('rounds')), value + round);
        }
      });

      it('steps over a system call, and into the kernel with step in', async () => {
        await runTo('user-a-heap', configuration);
        for (let count = 0; count < 3; count++) await step('next');
        while (!(await step('stepIn')).startsWith('system_call ')) continue;
        const steps: string[] = [];
        for (let count = 0; count < 8 && !steps.at(-1)?.startsWith('trap_entry'); count++)
          steps.push(await step('stepIn'));
        assert.match(steps.at(-1)!, /^trap_entry trap-entry.S/);
        const [, interrupted] = await client.stack();
        assert.equal(interrupted!.name, 'system_call (interrupted)');
        // Out of the handler is back in the program.
        assert.match(await step('stepOut'), /^system_call system-calls.h/);
      });

      it('steps by instruction, over and into calls', async () => {
        await runTo('boot', configuration);
        const pc = async (): Promise<bigint> => BigInt((await client.stack(1))[0]!.instructionPointerReference!);
        let isCall = false;
        for (let count = 0; count < 20 && !isCall; count++) {
          const before = await pc();
          const { instructions } = await client.request<{ instructions: DebugProtocol.DisassembledInstruction[] }>(
            'disassemble',
            { memoryReference: `0x${before.toString(16)}`, instructionCount: 2 },
          );
          isCall = /^jal/.test(instructions[0]!.instruction);
          await step('next', 'instruction');
          assert.equal(await pc(), BigInt(instructions[1]!.address));
        }
        assert.ok(isCall, 'there was a call');
      });
    });
  }

  it('can be paused while a step takes long', async () => {
    await runTo('boot');
    // Runs to the prompt, and on: kernel_main never returns.
    await client.request('stepOut', { threadId: 1 });
    await client.prints('kernel> ');
    await client.protocol.pauseRequest({ threadId: 1 });
    assert.equal((await client.stopped()).reason, 'pause');
  });

  it('stops at a breakpoint within what is stepped over', async () => {
    await client.launch({ markers: ['boot'] });
    await client.stopped();
    await client.breakAt('paging-on');
    await client.request('next', { threadId: 1 });
    await client.stopped();
    await client.request('next', { threadId: 1 });
    assert.equal((await client.stopped()).reason, 'breakpoint');
    assert.equal((await client.stack(1))[0]!.line, findMarker(SAMPLE, 'paging-on').line);
  });
});
