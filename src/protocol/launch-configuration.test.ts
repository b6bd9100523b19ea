// The launch configuration: defaults, messages for what is wrong, and the schema that package.json carries.
import assert from 'node:assert/strict';
import { machineExtensions, switchableExtensions } from '../isa/extensions';
import { parseLaunch } from './launch-configuration';
import { launchSchema, launchSnippets } from './launch-contributions';

const MIB = 2 ** 20;

const extensions = machineExtensions();
/** What a machine has of the extensions that can be switched. */
const machineDefaults = Object.fromEntries(switchableExtensions.map((name) => [name, extensions.has(name)]));

function messageOf(configuration: unknown): string {
  try {
    parseLaunch(configuration);
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
}

describe('launch configuration', () => {
  it('turns a program into one guest and fills in the defaults', () => {
    assert.deepEqual(parseLaunch({ type: 'hypocaust', request: 'launch', name: 'x', program: '/k/kernel.elf' }), {
      guests: [{ name: 'kernel', program: '/k/kernel.elf', field: 'program' }],
      mode: 'hypervisor',
      machine: { memory: 3 * 1024 * MIB, clock: 'virtual', extensions: machineDefaults, virtio: 'legacy' },
      hypervisor: { synchronization: 'sfence', exitLog: 200, guestTime: 'goes-on', staleTranslations: 'log' },
      stopOnEntry: false,
      sourceMap: {},
      console: 'integratedTerminal',
      noDebug: false,
      consoleEvents: false,
    });
  });

  it('reads sizes and addresses', () => {
    const launch = parseLaunch({
      guests: [{ program: 'a/linux.elf', memory: '256 MiB', entry: '0x80200000', bootargs: '', symbols: ['u.elf'] }],
      machine: { memory: 2 ** 30 },
    });
    assert.deepEqual(launch.guests, [
      {
        name: 'linux',
        field: 'guests[0]',
        program: 'a/linux.elf',
        memory: 256 * MIB,
        entry: 0x80200000n,
        bootargs: '',
        symbols: ['u.elf'],
      },
    ]);
    assert.equal(launch.machine.memory, 2 ** 30);
  });

  it('reads how shadow page tables are kept', () => {
    const launch = parseLaunch({ program: 'k', hypervisor: { synchronization: 'write-protect' } });
    assert.equal(launch.hypervisor.synchronization, 'write-protect');
    assert.equal(
      messageOf({ program: 'k', mode: 'bare', hypervisor: { synchronization: 'write-protect' } }),
      'Launch configuration: "hypervisor" has no meaning when "mode" is "bare"; remove it.',
    );
  });

  it('switches the extensions that the machine can switch', () => {
    const launch = parseLaunch({ program: 'k', machine: { extensions: { Zicond: true, Zba: false } } });
    assert.deepEqual(launch.machine.extensions, { ...machineDefaults, Zicond: true, Zba: false });
    assert.equal(launch.machine.memory, 3 * 1024 * MIB);
  });

  it('reads the devices of the bare machine', () => {
    const { machine } = parseLaunch({
      program: 'k',
      mode: 'bare',
      machine: {
        disks: [{ file: 'a.img' }, { file: 'b.img', writable: true }],
        devices: ['entropy', 'console'],
        share: [{ folder: '/src' }, { folder: '/out', tag: 'out', writable: true }],
        network: { forward: [{ host: 8080, guest: 80 }], reach: [{ host: 69, protocol: 'udp' }] },
        virtio: 'modern',
        rtc: '1970-01-02',
      },
    });
    assert.deepEqual(machine.disks, [
      { file: 'a.img', writable: false },
      { file: 'b.img', writable: true },
    ]);
    assert.deepEqual(machine.devices, ['entropy', 'console']);
    assert.deepEqual(machine.share, [
      { folder: '/src', tag: 'share', writable: false },
      { folder: '/out', tag: 'out', writable: true },
    ]);
    assert.deepEqual(machine.network, {
      forward: [{ host: 8080, guest: 80, protocol: 'tcp' }],
      reach: [{ host: 69, gateway: 69, protocol: 'udp' }],
    });
    assert.equal(machine.virtio, 'modern');
    assert.equal(machine.rtc, 86_400_000_000_000n);
  });

  it('reads which devices of the machine guests drive', () => {
    const { guests, machine } = parseLaunch({
      guests: [{ program: 'a', passthrough: ['virtio1', 'virtio0'] }],
      machine: { disks: [{ file: 'd.img' }], network: {} },
    });
    assert.deepEqual(guests[0]!.passthrough, ['virtio1', 'virtio0']);
    assert.deepEqual(machine.network, { forward: [], reach: [] });
  });

  it('reads the devices of guests', () => {
    const { guests } = parseLaunch({
      guests: [
        { program: 'a', disks: [{ file: 'a.img' }], network: { lan: 'office', reach: [{ host: 80 }] } },
        { program: 'b', devices: ['console'], share: [{ folder: '/s' }] },
      ],
    });
    assert.deepEqual(guests, [
      {
        name: 'a',
        field: 'guests[0]',
        program: 'a',
        disks: [{ file: 'a.img', writable: false }],
        network: { lan: 'office', forward: [], reach: [{ host: 80, gateway: 80, protocol: 'tcp' }] },
      },
      {
        name: 'b',
        field: 'guests[1]',
        program: 'b',
        devices: ['console'],
        share: [{ folder: '/s', tag: 'share', writable: false }],
      },
    ]);
  });

  it('gives guests of the same program different names', () => {
    const launch = parseLaunch({
      guests: [{ program: 'k.elf' }, { program: 'k.elf' }, { program: 'k.elf', name: 'k' }],
    });
    assert.deepEqual(
      launch.guests.map((guest) => guest.name),
      ['k-2', 'k-3', 'k'],
    );
  });

  const wrong: readonly [string, unknown, string][] = [
    ['no program', {}, '"program" is missing: name the guest kernel (an ELF file) to debug.'],
    ['both', { program: 'a', guests: [] }, '"program" cannot be used together with "guests"; remove one of them.'],
    [
      'a misspelt extension',
      { program: 'a', machine: { extensions: { zba: true } } },
      '"machine.extensions.zba" is not a known field; perhaps "Zba" is meant.',
    ],
    [
      'an extension that is neither on nor off',
      { program: 'a', machine: { extensions: { Zba: 'on' } } },
      '"machine.extensions.Zba" must be true or false, not the string "on".',
    ],
    [
      'a field of another object',
      { program: 'a', timeSlice: 5000 },
      '"timeSlice" is not a known field there; move it: "hypervisor.timeSlice".',
    ],
    [
      'a field of several others',
      { program: 'a', hypervisor: { memory: '1G' } },
      '"hypervisor.memory" is not a known field there; move it: "guests[0].memory" or "machine.memory".',
    ],
    [
      'time slices where one vCPU needs none',
      { program: 'a', hypervisor: { timeSlice: 5000 } },
      '"hypervisor.timeSlice" has no meaning when each vCPU has a hart of its own; remove it, or set "guests[0].vcpus" and "machine.harts".',
    ],
    [
      'time slices with as many harts as vCPUs',
      { guests: [{ program: 'a', vcpus: 3 }], machine: { harts: 3 }, hypervisor: { timeSlice: 5000 } },
      '"hypervisor.timeSlice" has no meaning when each vCPU has a hart of its own; remove it, or set "machine.harts" to less than 3.',
    ],
    [
      'vCPUs without the hypervisor',
      { guests: [{ program: 'a', vcpus: 2 }], mode: 'bare' },
      '"guests[0].vcpus" has no meaning when "mode" is "bare"; set "machine.harts" instead.',
    ],
    ['no guest', { guests: [] }, '"guests" must name at least one guest.'],
    ['program of a wrong type', { program: 3 }, '"program" must be a string, not number 3.'],
    ['an empty program', { program: '' }, '"program" must be a non-empty string, not an empty string.'],
    [
      'a misspelt field',
      { program: 'a', stopOnEntri: true },
      '"stopOnEntri" is not a known field; perhaps "stopOnEntry" is meant.',
    ],
    [
      'an unknown field',
      { guests: [{ program: 'a', colour: 1 }] },
      '"guests[0].colour" is not a known field; the fields here are name, program, vcpus, memory, entry, bootargs, initrd, symbols, disks, devices, share, network, passthrough.',
    ],
    [
      'an inherited name',
      { program: 'a', constructor: 1 },
      '"constructor" is not a known field; the fields here are program, guests, mode, firmware, dtb, machine, hypervisor, stopOnEntry, sourceMap, console.',
    ],
    [
      'a size that is none',
      { guests: [{ program: 'a', memory: 'lots' }] },
      '"guests[0].memory" must be a size such as "128M" or "1G", not the string "lots".',
    ],
    [
      'a size too large',
      { program: 'a', machine: { memory: '8G' } },
      '"machine.memory" must be whole 4 KiB pages between 2M and 3G, not the string "8G".',
    ],
    [
      'an odd size',
      { program: 'a', machine: { memory: 2 ** 24 + 1 } },
      '"machine.memory" must be whole 4 KiB pages between 2M and 3G, not number 16777217.',
    ],
    [
      'an address that is none',
      { guests: [{ program: 'a', entry: '80200000h' }] },
      '"guests[0].entry" must be a 64-bit address such as "0x80200000", not the string "80200000h".',
    ],
    [
      'half a number of exits',
      { program: 'a', hypervisor: { exitLog: 1.5 } },
      '"hypervisor.exitLog" must be a whole number between 0 and 1000000, not number 1.5.',
    ],
    [
      'a mode that is none',
      { program: 'a', mode: 'kvm' },
      '"mode" must be "hypervisor" or "bare" or "machine", not the string "kvm".',
    ],
    [
      'a source map of numbers',
      { program: 'a', sourceMap: { '/b': 1 } },
      '"sourceMap["/b"]" must be a string, not number 1.',
    ],
    [
      'two bare guests',
      { guests: [{ program: 'a' }, { program: 'b' }], mode: 'bare' },
      '"guests" must hold one guest only when "mode" is "bare".',
    ],
    [
      'firmware below a program that is the firmware',
      { program: 'a', mode: 'machine', firmware: 'b' },
      '"firmware" has no meaning when "mode" is "machine"; remove it, or set "mode" to "bare" for a kernel that the firmware starts.',
    ],
    [
      'like names',
      {
        guests: [
          { program: 'a', name: 'x' },
          { program: 'b', name: 'x' },
        ],
      },
      '"guests[1].name" is "x" like another guest\'s; choose another.',
    ],
    [
      'a disk for guests of the hypervisor',
      { program: 'a', machine: { disks: [{ file: 'd.img' }] } },
      '"machine.disks" has no meaning for guests that do not drive it; write it as "guests[0].disks", or pass "virtio0" through to one.',
    ],
    [
      'a device passed through that there is not',
      { guests: [{ program: 'a', passthrough: ['virtio1'] }], machine: { disks: [{ file: 'd.img' }] } },
      '"guests[0].passthrough[0]" is "virtio1", and "machine" has no such device; name one there.',
    ],
    [
      'a device passed through twice',
      {
        guests: [
          { program: 'a', passthrough: ['virtio0'] },
          { program: 'b', passthrough: ['virtio0'] },
        ],
        machine: { disks: [{ file: 'd.img' }] },
      },
      '"guests[0].passthrough[0]" is "virtio0" more than once; leave one.',
    ],
    [
      'a device passed through on the bare machine',
      { guests: [{ program: 'a', passthrough: [] }], mode: 'bare' },
      '"guests[0].passthrough" has no meaning when "mode" is "bare"; remove it.',
    ],
    [
      'a device tree for guests of the hypervisor',
      { program: 'a', dtb: 'tree.dtb' },
      '"dtb" has no meaning for guests of the hypervisor, which makes their device trees; set "mode" to "bare".',
    ],
    [
      'a disk of a guest that there is not',
      { guests: [{ program: 'a', disks: [{ file: 'd.img' }] }], mode: 'bare' },
      '"guests[0].disks" has no meaning when "mode" is "bare"; set "machine.disks" instead.',
    ],
    [
      'more devices of a guest than slots',
      { guests: [{ program: 'a', devices: new Array(8).fill('entropy'), network: {} }] },
      '"guests[0].disks" with "devices" and "share" name 9 devices, and there are 8 slots.',
    ],
    [
      'more devices than slots',
      { program: 'a', mode: 'bare', machine: { disks: new Array(9).fill({ file: 'd.img' }) } },
      '"machine.disks" with "devices" and "share" name 9 devices, and there are 8 slots.',
    ],
    [
      'a device that is none',
      { program: 'a', mode: 'bare', machine: { devices: ['gpu'] } },
      '"machine.devices[0]" must be "entropy" or "console" or "network", not the string "gpu".',
    ],
    [
      'like tags',
      { program: 'a', mode: 'bare', machine: { share: [{ folder: '/a' }, { folder: '/b' }] } },
      '"machine.share[1].tag" is "share" like another folder\'s; choose another.',
    ],
    [
      'a port that is none',
      { program: 'a', mode: 'bare', machine: { network: { forward: [{ host: 80, guest: 0 }] } } },
      '"machine.network.forward[0].guest" must be a whole number from 1 to 65535, not number 0.',
    ],
    [
      'a port without its other end',
      { program: 'a', mode: 'bare', machine: { network: { forward: [{ host: 80 }] } } },
      '"machine.network.forward[0].guest" is missing: Port of the guest that it leads to.',
    ],
    [
      'a port twice',
      { program: 'a', mode: 'bare', machine: { network: { reach: [{ host: 1, gateway: 7 }, { host: 7 }] } } },
      '"machine.network.reach[1].gateway" is 7 a second time; leave one.',
    ],
    [
      'a time that is none',
      { program: 'a', mode: 'bare', machine: { rtc: 'now' } },
      '"machine.rtc" must be a time such as "2024-02-29T12:00:00Z", not the string "now".',
    ],
    ['a list of arguments', [], '"configuration" must be an object, not a list.'],
  ];
  for (const [what, configuration, message] of wrong) {
    it(`names the field: ${what}`, () => {
      assert.equal(messageOf(configuration), `Launch configuration: ${message}`);
    });
  }

  it('has a schema for every field, with a description each', () => {
    const schema = launchSchema();
    assert.deepEqual(Object.keys(schema.properties!), [
      'program',
      'guests',
      'mode',
      'firmware',
      'dtb',
      'machine',
      'hypervisor',
      'stopOnEntry',
      'sourceMap',
      'console',
    ]);
    for (const [name, field] of Object.entries(schema.properties!)) assert.ok(field.description, name);
    const memory = schema.properties!['guests']!.items!.properties!['memory']!;
    assert.ok(new RegExp(memory.pattern!).test('128M') && !new RegExp(memory.pattern!).test('x'));
    assert.equal(schema.properties!['mode']!.default, 'hypervisor');
  });

  it('has snippets that it accepts', () => {
    for (const { body } of launchSnippets()) {
      const filledIn = JSON.stringify(body).replace(/\$\{\d+:?([^}]*)\}/g, '$1');
      parseLaunch(JSON.parse(filledIn));
    }
  });
});
