// V8 keeps an object's properties in a dictionary once one of them was deleted, and then each use takes many times as long:
// not so for the objects that every trap and VM exit passes through, whatever a debugger watches and ceases to watch.
import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { BareSystem } from '../../src/debugger/systems/bare-system';
import { HypervisedSystem } from '../../src/debugger/systems/hypervised-system';
import type { Watcher } from '../../src/debugger/systems/system';
import { assembleSource } from '../../src/isa/assemble';

const ENTRY = 0x8020_0000;
const { bytes } = assembleSource('wfi', BigInt(ENTRY));
const program = { entry: BigInt(ENTRY), segments: [{ address: ENTRY, data: bytes, memorySize: bytes.length }] };
const options = { memoryBytes: 512 << 20 };
const everything: Watcher = { onTrap: () => 'go', onExit: () => 'go', exitKinds: new Set(['csrRead'] as const) };

function watchAndForget(system: BareSystem | HypervisedSystem): void {
  for (const watcher of [everything, {}]) system.watcher = watcher;
  const onAccess = (): 'go' => 'go';
  for (const onAddressSpace of [() => {}, undefined]) {
    system.watchMemory([], { onAccess, ...(onAddressSpace && { onAddressSpace }) });
  }
}

/** The names of those without fast properties. V8 reads the question's text when it is asked, and may forget it in between. */
function slowOf(objects: Record<string, object>): string[] {
  setFlagsFromString('--allow-natives-syntax');
  const isFast = new Function('object', 'return %HasFastProperties(object)') as (object: object) => boolean;
  const slow = Object.entries(objects).flatMap(([name, object]) => (isFast(object) ? [] : [name]));
  setFlagsFromString('--no-allow-natives-syntax');
  return slow;
}

describe('objects that every trap passes through', () => {
  it('have fast properties, on the bare machine', () => {
    const system = new BareSystem(options, 'bare', { program, mode: 'supervisor' });
    watchAndForget(system);
    const [hart] = system.targets.map(({ processor }) => processor);
    const { context, csrs, state, mmu, pmp } = hart;
    assert.deepEqual(slowOf({ hart, context, csrs, csrState: csrs.state, state, mmu, pmp }), []);
  });

  it('have fast properties, under the hypervisor', () => {
    const system = new HypervisedSystem(options, { guests: [{ name: 'guest', program }] });
    watchAndForget(system);
    const { vcpu } = system.targets[0];
    const { guest, csrs, hart } = vcpu;
    assert.deepEqual(slowOf({ hypervisor: system['hypervisor'], vcpu, guest, csrs, hart, shadow: guest.shadow }), []);
  });
});
