/** Debian's Linux in the debugger: what addresses are, why accesses fault, and page tables are told without making anybody wait. */
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { PageTableNode } from '../../src/protocol/page-table';
import { Client } from '../adapter/client';
import type { LinuxGuest } from '../support/linux-guest';
import { COMMAND_LINE, makeLinuxGuest } from '../support/linux-guest';

const WANTED = 100;
/** Machines that run tests are busy: only what is far off fails. */
const PATIENCE = 5;

/** Several processes with memory of their own, asleep. */
const SCRIPT = `
grep -E ' (_stext|_etext|start_kernel|schedule|do_idle|jiffies)$' /proc/kallsyms
for i in 1 2 3 4 5 6 7 8; do sh -c 'x=$(seq 1 20000); echo ready; read line </dev/console' & done
wait
`;

describe('Debian Linux in the debugger', () => {
  let guest: LinuxGuest;
  let client: Client;
  before(async function () {
    guest = makeLinuxGuest(this, SCRIPT);
    client = await Client.start();
    const { kernel: program, initrd } = guest;
    await client.launch({
      configuration: { guests: [{ program, initrd, bootargs: COMMAND_LINE, memory: '1G' }], machine: { memory: '3G' } },
    });
    await client.prints('ready\r\nready\r\nready', 100_000);
    await client.protocol.pauseRequest({ threadId: 1 });
    await client.stopped();
  });
  after(async () => {
    await client?.stop();
    guest?.remove();
  });

  /** The longest time of some requests, told. */
  async function measure(what: string, requests: readonly (() => Promise<unknown>)[]): Promise<void> {
    let longest = 0;
    for (const request of requests) {
      const start = performance.now();
      await request();
      longest = Math.max(longest, performance.now() - start);
    }
    console.log(`      ${what}: at most ${longest.toFixed(1)} ms of ${WANTED}, in ${requests.length} requests`);
    assert.ok(longest < WANTED * PATIENCE);
  }

  it('has addresses of all kinds translated, and the virtual ones found that lead there', async () => {
    const frames = await client.stack(3);
    const code = frames[0]!.instructionPointerReference!;
    const { gpa, hpa } = await client.custom('hypocaust/translate', { kind: 'gva', address: code });
    assert.ok(gpa !== undefined && hpa !== undefined);
    const back = await client.custom('hypocaust/translate', { kind: 'gpa', address: gpa });
    assert.ok(back.mappings.some(({ gva }) => BigInt(gva) === BigInt(code)));
    const asked = [
      ...[code, '0xffffffd800000000', '0x0', '0xffffffffffffffff'].map(
        (address) => ({ kind: 'gva', address }) as const,
      ),
      ...[gpa, '0x80000000', '0xbffff000', '0x10000000'].map((address) => ({ kind: 'gpa', address }) as const),
      ...[hpa, '0x88000000', '0x80000000'].map((address) => ({ kind: 'hpa', address }) as const),
    ];
    await measure(
      'translations',
      asked.map((one) => () => client.custom('hypocaust/translate', one)),
    );
  });

  it('has faults explained', async () => {
    const accesses = ['load', 'store', 'fetch'] as const;
    const addresses = ['0x0', '0xffffffff80000000', '0xffffffd800000000', '0x3f00000000', '0x8000000000000000'];
    await measure(
      'explanations',
      addresses.flatMap((address) =>
        accesses.map((access) => () => client.custom('hypocaust/explain', { address, access })),
      ),
    );
  });

  it('has its page tables read level by level, down to the largest', async () => {
    const open: PageTableNode[] = [];
    const children = async (node?: PageTableNode) => {
      const { nodes } = await client.custom('hypocaust/pageTable', node ? { node: node.id } : {});
      return nodes;
    };
    const [top] = await children();
    open.push(...(await children(top)));
    assert.ok(open.length > 1, 'several address spaces');
    const tables: PageTableNode[] = [];
    while (open.length > 0 && tables.length < 400) {
      const node = open.shift()!;
      if (!node.hasChildren) continue;
      tables.push(node);
      open.push(...(await children(node)));
    }
    await measure(
      'page tables',
      tables.map((node) => () => children(node)),
    );
  });

  it('has the symbols that the kernel knows itself, and a call stack by them', async () => {
    const told = [...client.text.matchAll(/^([0-9a-f]{16}) [A-Za-z] (\w+)\r$/gm)];
    assert.equal(told.length, 6, 'by /proc/kallsyms');
    for (const [, address, name] of told) {
      const { body } = await client.protocol.evaluateRequest({ expression: name, context: 'repl' });
      assert.ok(body.result.includes(`0x${address}`), `${name}: ${body.result}`);
    }
    const { body } = await client.protocol.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'schedule' }] });
    assert.ok(body.breakpoints[0]!.verified);
    await client.protocol.continueRequest({ threadId: 1 });
    await client.stopped();
    const names = (await client.stack(30)).map(({ name }) => name);
    assert.equal(names[0], 'schedule');
    // A user program may be what the kernel was called from.
    const kernel = names.filter((name) => !name.includes('interrupted'));
    assert.ok(kernel.length > 3 && kernel.every((name) => /^[a-z_]/.test(name)), names.join());
    console.log(`      ${names.join(' < ')}`);
    await client.protocol.setFunctionBreakpointsRequest({ breakpoints: [] });
    await client.protocol.continueRequest({ threadId: 1 });
    await client.protocol.pauseRequest({ threadId: 1 });
    await client.stopped();
  });

  it('is stopped, shown and continued', async () => {
    const frames = await client.stack(20);
    const scopes = async () => {
      const { body } = await client.protocol.scopesRequest({ frameId: frames[0]!.id });
      for (const { variablesReference, expensive } of body.scopes) {
        if (!expensive) await client.variables(variablesReference);
      }
    };
    const disassemble = () =>
      client.request<DebugProtocol.DisassembleResponse['body']>('disassemble', {
        memoryReference: frames[0]!.instructionPointerReference,
        instructionOffset: -200,
        instructionCount: 400,
      });
    await measure('stack, scopes and disassembly', [() => client.stack(20), scopes, disassemble]);
  });
});
