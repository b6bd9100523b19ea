// Wrong configurations and wrong guests: a sentence or a readable stop, never a hang or a crash.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, failure, FIXTURES, KERNEL } from './client';

const fixture = (name: string): string => join(FIXTURES, `${name}.elf`);

describe('debug adapter: bad input', () => {
  let client: Client;
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'hypocaust-bad-input-'));
  });
  const other = createServer();
  before((done) => void other.listen(0, '127.0.0.1', done));
  after(() => {
    other.close();
    rmSync(folder, { recursive: true });
  });
  beforeEach(async () => {
    client = await Client.start();
  });
  afterEach(() => client.stop());

  function file(name: string, contents: string | Uint8Array): string {
    const path = join(folder, name);
    writeFileSync(path, contents);
    return path;
  }

  const portInUse = (): number => (other.address() as AddressInfo).port;

  const refused: readonly [string, () => Record<string, unknown>, RegExp][] = [
    [
      'a missing file',
      () => ({ program: '/no/such/kernel.elf' }),
      /^Launch configuration: "program" names a file that does not exist; build it, or correct the path: \/no\/such\/kernel.elf$/,
    ],
    ['a folder', () => ({ program: FIXTURES }), /"program" names a file that is a folder; name the file in it/],
    [
      'a missing initrd',
      () => ({ guests: [{ program: KERNEL, initrd: '/no/initrd' }] }),
      /"guests\[0\].initrd" names a file that does not exist/,
    ],
    [
      'missing symbols',
      () => ({ guests: [{ program: KERNEL, symbols: ['/no/u.elf'] }] }),
      /"guests\[0\].symbols\[0\]" names a file/,
    ],
    [
      'a missing disk of a guest',
      () => ({ guests: [{ program: KERNEL, disks: [{ file: '/no/disk.img' }] }] }),
      /"guests\[0\].disks\[0\].file" cannot be used. The disk image \/no\/disk.img cannot be opened: there is no such file/,
    ],
    [
      'a disk that is two',
      () => {
        const disk = { file: file('two.img', new Uint8Array(512)), writable: true };
        return { guests: [{ program: KERNEL, disks: [disk, disk] }] };
      },
      /"guests\[0\].disks" cannot be used. The disk image .*two.img is two disks/,
    ],
    [
      'a missing shared folder',
      () => ({ program: KERNEL, mode: 'bare', machine: { share: [{ folder: '/no/folder' }] } }),
      /"machine.share\[0\].folder" cannot be used. The folder \/no\/folder cannot be shared: there is no such folder/,
    ],
    [
      'a port in use',
      () => ({ guests: [{ program: KERNEL, network: { forward: [{ host: portInUse(), guest: 80 }] } }] }),
      /"guests\[0\].network.forward" cannot be opened. Port [0-9]+ \(tcp\) of this machine is in use by another program/,
    ],
    [
      'firmware that is none',
      () => ({ program: KERNEL, firmware: file('firmware.txt', 'firmware') }),
      /^Launch configuration: "firmware" cannot be run: .*firmware\.txt: The firmware does not start the hypervisor/,
    ],
    [
      'symbols that are none',
      () => ({ guests: [{ program: KERNEL, symbols: [file('u.txt', 'symbols')] }] }),
      /^Launch configuration: "guests\[0\]\.symbols\[0\]" cannot be run: .*u\.txt: The file is not an ELF file/,
    ],
    ['an empty file', () => ({ program: file('empty.elf', '') }), /The file is empty/],
    ['a text', () => ({ program: file('text.elf', 'int main;') }), /The file is not an ELF file/],
    [
      'half an ELF',
      () => ({ program: file('half.elf', Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1)) }),
      /ELF file ends within its header/,
    ],
    ['another architecture', () => ({ program: process.execPath }), /not for RISC-V|not an ELF file/],
    ['a 32-bit program', () => ({ program: fixture('rv32') }), /is for 32-bit RISC-V/],
    [
      'a segment outside memory',
      () => ({ program: fixture('segment-outside') }),
      /segment 0x90000000 to 0x90000007 lies outside the memory of guest segment-outside/,
    ],
    [
      'an entry outside memory',
      () => ({ program: fixture('entry-outside') }),
      /entry address 0x1000 lies in none of the program's segments/,
    ],
    [
      'an entry that the user gave wrongly',
      () => ({ guests: [{ program: KERNEL, entry: '0x80200001' }] }),
      /entry address 0x80200001 is odd/,
    ],
    ['no room for the guest', () => ({ program: KERNEL, machine: { memory: '64M' } }), /does not fit/],
    [
      'no room for the kernel',
      () => ({ program: KERNEL, mode: 'bare', machine: { memory: '2M' } }),
      /lies outside the machine's memory/,
    ],
    [
      'an unknown field',
      () => ({ program: KERNEL, stopAtEntry: true }),
      /"stopAtEntry" is not a known field; perhaps "stopOnEntry" is meant/,
    ],
    ['a wrong type', () => ({ program: KERNEL, stopOnEntry: 'yes' }), /"stopOnEntry" must be true or false/],
    ['nothing', () => ({ program: undefined }), /"program" is missing/],
  ];
  for (const [what, configuration, message] of refused) {
    it(`refuses ${what} in a sentence`, async () => {
      const sentence = await failure(client.launch({ configuration: configuration() }));
      assert.match(sentence, message);
      assert.match(sentence, /^Launch configuration: "/);
      assert.ok(!sentence.includes('\n'), 'it is one line');
    });
  }

  it('debugs by instruction without debug information, and says so once', async () => {
    await client.launch({ configuration: { program: fixture('no-debug-info'), stopOnEntry: true } });
    // The reason for which VS Code selects a frame without source.
    assert.equal((await client.stopped()).reason, 'instruction breakpoint');
    const { output } = await client.take<{ output: string }>('output');
    assert.match(output, /no-debug-info.elf has no debug information/);
    const { body } = await client.protocol.setFunctionBreakpointsRequest({
      breakpoints: [{ name: 'main' }, { name: '*0x80200000' }],
    });
    assert.ok(body.breakpoints.some(({ verified }) => verified));
    const source = await client.protocol.setBreakpointsRequest({
      source: { path: '/x/calls.c' },
      breakpoints: [{ line: 1 }],
    });
    assert.match(source.body.breakpoints[0]!.message!, /no debug information: build it with -g/);
    const [before] = await client.stack(1);
    assert.equal(before!.source, undefined);
    await client.request('next', { threadId: 1 });
    await client.stopped();
    const [after] = await client.stack(1);
    assert.notEqual(after!.instructionPointerReference, before!.instructionPointerReference);
    await client.continue();
    assert.equal((await client.stopped()).description, 'Breakpoint');
    assert.match((await client.stack(1))[0]!.name, /^main/);
    await client.continue();
    await client.take('terminated');
  });

  it('debugs a stripped program by address', async () => {
    await client.launch({ configuration: { program: fixture('stripped'), stopOnEntry: true } });
    await client.stopped();
    const [top] = await client.stack();
    assert.match(top!.name, /^0x802/);
    const { instructions } = await client.request<{ instructions: { instruction: string }[] }>('disassemble', {
      memoryReference: top!.instructionPointerReference,
      instructionOffset: -5,
      instructionCount: 10,
    });
    assert.equal(instructions.length, 10);
  });

  it('stops a guest that jumps to nowhere, and explains', async () => {
    await client.launch({ configuration: { program: fixture('jump-to-nowhere') } });
    const stopped = await client.stopped();
    assert.equal(stopped.description, 'Endless traps');
    assert.match(stopped.text!, /trap handler at 0x0 traps itself at its first instruction/);
    assert.ok((await client.stack()).length >= 1);
    await client.continue();
    assert.equal((await client.stopped()).description, 'Endless traps');
  });

  it('stops a guest that writes all over its page table, and explains', async () => {
    await client.launch({ configuration: { program: fixture('overwrite-page-table') } });
    const stopped = await client.stopped();
    assert.match(stopped.text!, /traps for ever/);
    const { nodes } = await client.custom('hypocaust/pageTable', {});
    const { nodes: spaces } = await client.custom('hypocaust/pageTable', { node: nodes[0]!.id });
    for (const space of spaces) assert.ok(await client.custom('hypocaust/pageTable', { node: space.id }));
  });

  for (const mode of ['hypervisor', 'bare']) {
    it(`pauses and ends a guest that loops with interrupts off (${mode})`, async () => {
      await client.launch({ configuration: { program: fixture('loop-interrupts-off'), mode } });
      await client.next(200);
      await client.protocol.pauseRequest({ threadId: 1 });
      await client.stopped();
      assert.equal((await client.stack(1))[0]!.name, 'endless_loop');
      await client.continue();
      await client.protocol.disconnectRequest({});
    });
  }

  it('refuses what makes no sense at the time, in a sentence', async () => {
    assert.match(await failure(client.continue()), /No program|running|ended|stopped/);
    await client.launch({ configuration: { program: fixture('loop-interrupts-off') } });
    assert.match(await failure(client.stack()), /The guest is running; pause it first/);
    assert.match(await failure(client.request('next', { threadId: 1 })), /pause it first/);
    await client.protocol.pauseRequest({ threadId: 1 });
    await client.stopped();
    assert.match(await failure(client.request('next', { threadId: 77 })), /no thread 77/);
    assert.match(await failure(client.request('scopes', { frameId: 999 })), /no longer there/);
    assert.match(await failure(client.request('variables', { variablesReference: 999 })), /no longer there/);
    assert.match(await failure(client.request('setExpression', { expression: '1', value: '2' })), /cannot be changed/);
    assert.match(await failure(client.custom('hypocaust/consoleInput', { console: 'x', data: '' })), /no console "x"/);
    const size = (columns: number) =>
      client.custom('hypocaust/consoleSize', { console: 'loop-interrupts-off', columns, rows: 24 });
    assert.match(await failure(size(-1)), /A console has 0 to 65535 columns and rows/);
    await size(80);
    assert.deepEqual(await client.custom('hypocaust/pageTable', { node: 'nonsense' }), { nodes: [] });
  });
});
