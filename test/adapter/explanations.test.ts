// Stops on trap causes and on hypervisor events, their explanations, and the page-table tree.
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { LeafNode, PageTableNode } from '../../src/protocol/page-table';
import { findMarker } from '../support/markers';
import { Client, failure, SAMPLE } from './client';

type ExceptionInfo = DebugProtocol.ExceptionInfoResponse['body'];

describe('debug adapter: trap causes and hypervisor events', () => {
  let client: Client;
  beforeEach(async () => {
    client = await Client.start();
  });
  afterEach(() => client.stop());

  async function leaves(node?: string): Promise<LeafNode[]> {
    const { nodes } = await client.custom('hypocaust/pageTable', node === undefined ? {} : { node });
    const found: LeafNode[] = [];
    for (const child of nodes) {
      if (child.kind === 'leaf') found.push(child);
      else if (child.hasChildren) found.push(...(await leaves(child.id)));
    }
    return found;
  }

  async function currentSpace(): Promise<PageTableNode> {
    const { nodes: guests } = await client.custom('hypocaust/pageTable', {});
    const { nodes } = await client.custom('hypocaust/pageTable', { node: guests[0]!.id });
    return nodes.find((node) => node.kind === 'addressSpace' && node.isCurrent)!;
  }

  it('offers one filter for each exception and interrupt that scause can hold', () => {
    const filters = client.capabilities.exceptionBreakpointFilters!.map(({ filter }) => filter);
    assert.equal(new Set(filters).size, filters.length);
    for (const id of ['load-page-fault', 'user-ecall', 'supervisor-ecall', 'supervisor-timer-interrupt']) {
      assert.ok(filters.includes(id), id);
    }
    assert.equal(filters.length, 16);
  });

  it('stops where a stale translation is used, and says who changed the page table', async () => {
    await client.launch({ configuration: { hypervisor: { staleTranslations: 'stop' } } });
    await client.prints('kernel> ');
    await client.type('f\r');
    const stopped = await client.stopped();
    assert.equal(stopped.reason, 'exception');
    assert.equal(stopped.description, 'Stale translation');
    const { line } = findMarker(SAMPLE, 'missing-sfence');
    assert.match(
      stopped.text!,
      new RegExp(
        `^Load from 0x30000000 at 0x[0-9a-f]+ missing_sfence.* \\(mistakes.c:${line}\\) uses a stale translation: ` +
          'the page-table entry at GPA 0x[0-9a-f]+ was changed from 0x[0-9a-f]{16} to 0x[0-9a-f]{16} ' +
          'by the instruction at 0x[0-9a-f]+ map_at_level.* \\(paging.c:[0-9]+\\), [0-9]+ instructions before',
      ),
    );
    const frames = await client.stack();
    assert.match(frames[0]!.name, /^hypervisor: staleTranslation load 0x30000000/);
    assert.equal(frames[1]!.name, 'missing_sfence');
    assert.equal(frames[1]!.line, line);
    const info = await client.request<ExceptionInfo>('exceptionInfo', { threadId: 1 });
    assert.match(info.details!.stackTrace!, /Shadow page table \(view vS\): an entry of level 0 holds the old/);
    await client.continue();
    await client.prints('reading gives 1111, from the old page');
    await client.prints('After sfence.vma: reading gives 2222.');
  });

  it('says why an access fails: the one it stopped at, the last one taken, and any other', async () => {
    await client.launch();
    await client.prints('kernel> ');
    await client.protocol.setExceptionBreakpointsRequest({ filters: ['store-page-fault'] });
    await client.type('w\r');
    await client.stopped();
    const atStop = await client.custom('hypocaust/explain', {});
    assert.match(atStop.sentence, /^Store to 0x[0-9a-f]+: .* has W = 0, so the page is read-only/);
    assert.deepEqual(atStop.access.rule, { name: 'not-writable', clause: 'Privileged 4.3.2, step 5' });
    assert.equal(atStop.access.outcome, 'page-fault');
    assert.equal(atStop.access.steps.at(-1)!.kind, 'leaf');
    assert.match(
      atStop.hypervisor!,
      /^The hypervisor is about to forward Store\/AMO page fault to the guest's handler/,
    );
    assert.match(await client.evaluate('why', 'repl'), /^Store\/AMO page fault, about to be taken\.\nStore to 0x/);

    await client.protocol.nextRequest({ threadId: 1 });
    await client.stopped();
    const taken = await client.evaluate('why', 'repl');
    assert.match(taken, /^The last trap into the kernel .*: Store\/AMO page fault at 0x[0-9a-f]+ in vS\.\nStore to/);
    assert.match(taken, /A store in vS raises a page fault: not-writable \(Privileged 4\.3\.2, step 5\)\./);
    assert.match(taken, /it forwarded Store\/AMO page fault to the guest's handler .* That was after [0-9,]+ instr/);

    assert.match(await client.evaluate('why 0 fetch', 'repl'), /^Fetch from 0x0: .* has V = 0/);
    assert.match(await client.evaluate('why 0x10000000 store', 'repl'), /The access reaches a device\.$/m);
    assert.match(await failure(client.custom('hypocaust/explain', { address: 'pc' })), /is no address/);
  });

  it('translates addresses of all kinds, forth and back', async () => {
    await client.launch({ markers: ['syscall'] });
    await client.stopped();
    const pc = await client.custom('hypocaust/translate', { kind: 'gva', address: '0x80200000', access: 'fetch' });
    assert.deepEqual([pc.gpa, pc.hpa, pc.access!.outcome], ['0x80200000', '0x88200000', 'allowed']);
    const gpa = await client.custom('hypocaust/translate', { kind: 'gpa', address: '0x80200000' });
    assert.equal(gpa.hpa, '0x88200000');
    assert.ok(gpa.mappings.some(({ gva, isCurrent }) => gva === '0x80200000' && isCurrent));
    assert.ok(gpa.mappings.length >= 2, 'by the other processes, too');
    const back = await client.evaluate('translate hpa 0x88200000', 'repl');
    assert.match(
      back,
      /^HPA 0x88200000 \(the HVA is the same\) is GPA 0x80200000 of kernel\.\nMapped at these GVAs:\n {2}0x80200000/,
    );
    assert.match(await client.evaluate('translate hpa 0x80300000', 'repl'), /it is the hypervisor's own/);
    assert.match(await client.evaluate('translate gpa 0x10000000', 'repl'), /a device is there/);
    assert.match(await client.evaluate('translate pc fetch', 'repl'), /^Fetch from 0x802/);
  });

  it('tells a stale translation in the console, unless asked otherwise', async () => {
    await client.launch();
    await client.prints('kernel> ');
    await client.type('f\r');
    await client.prints('After sfence.vma: reading gives 2222.');
    for (;;) {
      const { output, category } = await client.take<DebugProtocol.OutputEvent['body']>('output');
      if (!/^Load from 0x30000000 .* uses a stale translation/.test(output)) continue;
      assert.equal(category, 'important', 'the first is shown where users see it');
      break;
    }
  });

  it('stops where a null pointer is used, and explains it down to the bit', async () => {
    await client.launch();
    await client.prints('kernel> ');
    await client.protocol.setExceptionBreakpointsRequest({ filters: ['load-page-fault'] });
    await client.type('n\r');
    const stopped = await client.stopped();
    assert.equal(stopped.reason, 'exception');
    assert.equal(stopped.description, 'Load page fault');
    assert.match(stopped.text!, /^Load from 0x0: .* has V = 0, so nothing is mapped there/);

    const frames = await client.stack();
    assert.equal(frames[0]!.name, 'hypervisor: inject Load page fault');
    assert.equal(frames[1]!.name, 'null_dereference');
    assert.equal(frames[1]!.line, findMarker(SAMPLE, 'null-dereference').line);

    const info = await client.request<ExceptionInfo>('exceptionInfo', { threadId: 1 });
    assert.equal(info.exceptionId, 'Load page fault');
    assert.equal(info.details!.typeName, 'load-page-fault');
    assert.match(info.details!.stackTrace!, /^Instruction: ld .*, in vS\.$/m);
    assert.match(
      info.details!.stackTrace!,
      /level 1: table 0x[0-9a-f]+, index 0: .* holds 0x0000000000000000 --------/,
    );
    assert.match(info.details!.stackTrace!, /Shadow page table \(view vS, root 0x[0-9a-f]+\): nothing is mapped there/);
    assert.match(info.details!.stackTrace!, /its handler is at 0x[0-9a-f]+ \(trap_entry\)/);
    assert.equal(await client.evaluate('stval'), '0');

    // The fault has not been delivered yet: a step delivers it.
    await client.protocol.nextRequest({ threadId: 1 });
    assert.equal((await client.stopped()).reason, 'step');
    const [handler, interrupted, ...callers] = await client.stack();
    assert.equal(handler!.name, 'trap_entry');
    assert.equal(interrupted!.name, 'null_dereference (interrupted)');
    assert.ok(callers.some(({ name }) => name === 'prompt_loop'));
    assert.match(await client.evaluate('scause'), /Load page fault/);
    await client.continue();
    await client.prints('The kernel recovered and goes on.');
  });

  for (const [key, cause, title, sentence] of [
    ['w', 'store-page-fault', 'Store/AMO page fault', /has W = 0, so the page is read-only/],
    ['c', 'illegal-instruction', 'Illegal instruction', /mscratch/],
  ] as const) {
    it(`explains the sample's mistake "${key}": ${title}`, async () => {
      await client.launch();
      await client.prints('kernel> ');
      await client.protocol.setExceptionBreakpointsRequest({ filters: [cause] });
      await client.type(`${key}\r`);
      const stopped = await client.stopped();
      assert.equal(stopped.description, title);
      assert.match(stopped.text!, sentence);
    });
  }

  it('explains an illegal CSR access without a hypervisor too, and calls', async () => {
    const configuration = { mode: 'bare', machine: { memory: '128M' } };
    await client.launch({ configuration, filters: [{ filterId: 'user-ecall' }] });
    await client.stopped();
    const info = await client.request<ExceptionInfo>('exceptionInfo', { threadId: 1 });
    assert.match(info.details!.stackTrace!, /Call number: a7 = 0x[0-9a-f]+; arguments: a0 = /);
    await client.protocol.setExceptionBreakpointsRequest({ filters: ['illegal-instruction'] });
    await client.continue();
    await client.prints('kernel> ');
    await client.type('c\r');
    assert.match((await client.stopped()).text!, /^CSR mscratch needs M-mode, and the code runs in S\./);
  });

  it('tests conditions of trap causes', async () => {
    await client.launch({ filters: [{ filterId: 'store-page-fault', condition: 'stval == 0x60001000' }] });
    const stopped = await client.stopped();
    assert.match(stopped.text!, /^Store to 0x60001000/);
    assert.equal(await client.evaluate('mode'), 'vU');
  });

  it('stops on interrupts, and on the same causes without a hypervisor', async () => {
    await client.launch({
      configuration: { mode: 'bare', machine: { memory: '128M' } },
      filters: [{ filterId: 'supervisor-timer-interrupt', condition: 'mode == "U"' }],
    });
    const stopped = await client.stopped();
    assert.equal(stopped.description, 'Supervisor timer interrupt');
    const [top] = await client.stack();
    assert.match(top!.source!.path!, /program-[abc]\.c$|system-calls\.h$/);
    await client.protocol.setExceptionBreakpointsRequest({ filters: ['user-ecall'] });
    await client.continue();
    assert.equal((await client.stopped()).description, 'Environment call from U-mode');
  });

  it('stops on a hypervisor event with a condition, and shows the record', async () => {
    await client.launch({ functions: [{ name: 'hypervisor.csrWrite', condition: 'csr == "satp" && new.mode == 8' }] });
    // A condition that cannot be evaluated stops, and says so.
    const first = await client.stopped();
    assert.match(first.text!, /condition cannot be evaluated/);
    const condition = 'csr == "satp" && new >> 60 == 8 && guest == "kernel"';
    await client.protocol.setFunctionBreakpointsRequest({ breakpoints: [{ name: 'hypervisor.csrWrite', condition }] });
    await client.continue();
    const stopped = await client.stopped();
    assert.equal(stopped.reason, 'function breakpoint');
    assert.match(stopped.description!, /^hypervisor.csrWrite satp: 0x[0-9a-f]+ → 0x8/);

    const [hypervisor, guest] = await client.stack();
    assert.match(hypervisor!.name, /^hypervisor: csrWrite satp/);
    assert.equal(guest!.name, 'use_page_table');
    const record = await client.scope('VM Exit');
    const values = Object.fromEntries(record.map(({ name, value }) => [name, value]));
    assert.equal(values['kind'], 'csrWrite');
    assert.match(values['instruction']!, /csrw satp/);
    assert.match(values['new']!, /^0x8/);
    // Decided, and not done yet.
    assert.equal(await client.evaluate('satp == old'), 'true');
    await client.protocol.nextRequest({ threadId: 1 });
    await client.stopped();
    assert.equal(await client.evaluate('satp >> 60'), '8');
  });

  const events: readonly [string, string | undefined, RegExp][] = [
    ['shadowFill', 'gva == 0x60000000', /^hypervisor.shadowFill store 0x60000000 → GPA 0x[0-9a-f]+ → HPA 0x[0-9a-f]+$/],
    ['sfence', undefined, /^hypervisor.sfence of/],
    ['inject', '!interrupt && cause == 8', /^hypervisor.inject Environment call from U-mode$/],
    ['sbiCall', 'name == "sbi_set_timer"', /^hypervisor.sbiCall sbi_set_timer$/],
    ['mmio', 'access == "store"', /^hypervisor.mmio store [a-z]+\+0x[0-9a-f]+$/],
    ['sret', 'targetPrivilege == "vU"', /^hypervisor.sret to vU at 0x4/],
  ];
  for (const [kind, condition, description] of events) {
    it(`stops on hypervisor.${kind}`, async () => {
      await client.launch({ functions: [{ name: `hypervisor.${kind}`, ...(condition ? { condition } : {}) }] });
      const stopped = await client.stopped();
      assert.match(stopped.description!, description);
      assert.match((await client.stack())[0]!.name, new RegExp(`^hypervisor: ${kind} `));
      assert.equal((await client.scope('VM Exit'))[0]!.value, kind);
    });
  }

  it('shows the page tables: guest and shadow side by side, and what is stale', async () => {
    await client.launch({ markers: ['missing-sfence'] });
    await client.prints('kernel> ');
    await client.type('f\r');
    await client.stopped();
    const space = await currentSpace();
    const all = await leaves(space.id);
    const code = all.find(({ gva }) => gva.first === '0x80200000')!;
    assert.equal(code.gpa, '0x80200000');
    assert.equal(code.hva, '0x88200000');
    assert.equal(code.guestFlags, 'DAG-X-RV');
    assert.equal(code.agreement, 'agrees');
    assert.equal(code.shadow[0]!.flags, '-A-UX-RV');
    assert.ok(all.some(({ agreement }) => agreement === 'not-filled'));
    assert.ok(all.some(({ agreement }) => agreement === 'not-memory'));
    assert.ok(
      all.some(({ count }) => count > 100),
      'like entries are folded',
    );
    const stale = all.filter(({ agreement }) => agreement === 'stale');
    assert.deepEqual(
      stale.map(({ gva }) => gva.first),
      ['0x30000000'],
    );
    assert.match(await client.evaluate('translate 0x30000000', 'repl'), /which is stale: the guest changed its entry/);
  });

  it('counts VM exits', async () => {
    await client.launch({ markers: ['prompt'] });
    await client.stopped();
    const statistics = await client.custom('hypocaust/statistics', undefined);
    assert.ok(statistics.instructions > 100_000);
    assert.ok(statistics.guests[0]!.exits['csrWrite']! > 10);
  });
});
