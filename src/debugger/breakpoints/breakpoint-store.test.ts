// Breakpoints: pending ones, what they resolve to, events, trap causes.
import assert from 'node:assert/strict';
import { fakeModule } from '../../../test/support/fake-symbols';
import { SymbolSpace } from '../symbol-space';
import type { Memory } from '../values/place';
import type { Breakpoint } from './breakpoint';
import { BreakpointStore } from './breakpoint-store';

const code = { address: 0x10000n, bytes: new Uint8Array(64).fill(1) };
const main = fakeModule('kernel.elf', {
  code,
  resolveBreakpoint: (path, line) =>
    path === 'src/main.c'
      ? {
          kind: 'resolved',
          file: path,
          line: line + 1,
          addresses: [0x10008n],
          match: { file: path, quality: 'exact', components: 2 },
        }
      : { kind: 'unknown-file' },
  functionBreakpointAddresses: (name) => (name === 'main' ? [0x10004n, 0x10020n] : []),
});
const memory = (filler: number): Memory => ({ read: (_, size) => new Uint8Array(size).fill(filler), write() {} });

describe('breakpoint store', () => {
  let changed: Breakpoint[];
  let store: BreakpointStore;
  const paths = (): string[] => ['/here/src/main.c', 'src/main.c'];
  beforeEach(() => {
    changed = [];
    store = new BreakpointStore((breakpoint) => changed.push(breakpoint));
  });

  it('holds breakpoints until symbols are there, and tells of what became of them', () => {
    const [found, missing] = [
      store.setSource('/here/src/main.c', paths, [{ line: 10 }])[0],
      store.setSource('/other.c', () => ['/other.c'], [{ line: 1 }])[0],
    ];
    store.setInstructions([{ address: 0x10008n }]);
    assert.equal(found.verified, false);
    assert.match(found.message!, /Waiting/);
    store.attach(new SymbolSpace([main]), true);
    assert.deepEqual(
      changed.map(({ id, verified, line }) => ({ id, verified, line })),
      [
        { id: found.id, verified: true, line: 11 },
        { id: missing.id, verified: false, line: undefined },
      ],
    );
    assert.match(changed[1].message!, /no code from this file/);
    assert.deepEqual([...store.addresses()], [0x10008n]);
    assert.equal(store.at(0x10008n, memory(1)).length, 2);
  });

  it('replaces the breakpoints of one file only, with new ids', () => {
    store.attach(new SymbolSpace([main]), true);
    const [first] = store.setSource('a', paths, [{ line: 1 }]);
    const [other] = store.setSource('b', paths, [{ line: 2 }]);
    const [second] = store.setSource('a', paths, [{ line: 3 }]);
    assert.equal(new Set([first.id, other.id, second.id]).size, 3);
    assert.deepEqual(
      store.at(0x10008n, undefined).map(({ breakpoint }) => breakpoint.id),
      [second.id, other.id],
    );
    store.setSource('a', paths, []);
    store.setSource('b', paths, []);
    assert.deepEqual([...store.addresses()], []);
  });

  it('does not stop where another program runs at the address', () => {
    const other = fakeModule('user.elf', { code: { address: 0x90000n, bytes: new Uint8Array(4) } });
    store.attach(new SymbolSpace([main, other]), true);
    store.setFunctions([{ name: 'main' }]);
    assert.equal(store.at(0x10004n, memory(1)).length, 1);
    assert.equal(store.at(0x10004n, memory(9)).length, 0);
  });

  it('stops on functions, addresses and hypervisor events', () => {
    store.attach(new SymbolSpace([main]), true);
    const set = store.setFunctions([
      { name: 'main' },
      { name: '*0x1234' },
      { name: 'hypervisor.sfence' },
      { name: 'nope' },
    ]);
    assert.deepEqual(
      set.map(({ verified }) => verified),
      [true, true, true, false],
    );
    assert.deepEqual([...store.addresses()], [0x10004n, 0x10020n, 0x1234n]);
    assert.deepEqual([...store.eventKinds()], ['sfence']);
    assert.equal(store.onEvent('sfence')[0].breakpoint.id, set[2].id);
  });

  it('has no hypervisor events on the bare machine', () => {
    store.attach(new SymbolSpace([main]), false);
    const [breakpoint] = store.setFunctions([{ name: 'hypervisor.sfence' }]);
    assert.equal(breakpoint.verified, false);
    assert.match(breakpoint.message!, /no hypervisor/);
  });

  it('refuses conditions that cannot be understood, and unknown causes', () => {
    const [breakpoint] = store.setInstructions([{ address: 4n, condition: '1 +' }]);
    assert.equal(breakpoint.verified, false);
    assert.deepEqual([...store.addresses()], []);
    const problems = store.setExceptions([
      { cause: 'load-page-fault' },
      { cause: 'x' },
      { cause: 'breakpoint', condition: '(' },
    ]);
    assert.equal(problems[0], undefined);
    assert.match(problems[1]!, /no trap cause "x"/);
    assert.match(problems[2]!, /ends too early/);
    assert.ok(store.onException('load-page-fault'));
    assert.equal(store.onException('breakpoint'), undefined);
  });
});
