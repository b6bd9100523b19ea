import assert from 'node:assert/strict';
import { optionHelp } from './option-table';
import { parseRunOptions } from './options';
import { UsageError } from './usage-error';

describe('options of run', () => {
  it('are read in any order, with = or a blank', () => {
    const options = parseRunOptions(['--bare', 'kernel.elf', '--guest-memory=256M', '--append', 'console=ttyS0 quiet']);
    assert.equal(options.kernel, 'kernel.elf');
    assert.equal(options.bare, true);
    assert.equal(options.guestMemory, 256 << 20);
    assert.equal(options.append, 'console=ttyS0 quiet');
    assert.equal(options.expect, undefined);
  });

  it('switch extensions, in any case', () => {
    assert.deepEqual(parseRunOptions(['k']).extensions, {});
    const { extensions } = parseRunOptions(['--extensions', 'zicond,-ZBA, Svade,+zbb', 'k']);
    assert.deepEqual(extensions, { Zicond: true, Zba: false, Svade: true, Zbb: true });
    assert.deepEqual(parseRunOptions(['--extensions', '-sstc', 'k']).extensions, { Sstc: false });
  });

  it('name disks and other devices', () => {
    const options = parseRunOptions(['--bare', '--disk', 'a.img', '--disk=b,c.img,rw', '--devices', 'console', 'k']);
    assert.deepEqual(options.disks, [
      { file: 'a.img', writable: false },
      { file: 'b,c.img', writable: true },
    ]);
    assert.deepEqual(options.devices, ['console']);
    assert.equal(parseRunOptions(['--bare', '--rtc', '1970-01-01T00:00:01Z', 'k']).rtc, 1_000_000_000n);
  });

  it('share folders', () => {
    assert.deepEqual(parseRunOptions(['--bare', '--share', '/a', '--share=out=/b=c,rw', 'k']).shares, [
      { folder: '/a', tag: 'share', writable: false },
      { folder: '/b=c', tag: 'out', writable: true },
    ]);
  });

  it('open ports, by protocol', () => {
    assert.equal(parseRunOptions(['--bare', 'k']).network, undefined);
    const args = ['--forward', '8080:80', '--forward=udp:53:5353', '--reach', '8000', '--reach', 'udp:1:2'];
    assert.deepEqual(parseRunOptions(['--bare', ...args, 'k']).network, {
      forward: [
        { protocol: 'tcp', host: 8080, guest: 80 },
        { protocol: 'udp', host: 53, guest: 5353 },
      ],
      reach: [
        { protocol: 'tcp', host: 8000, gateway: 8000 },
        { protocol: 'udp', host: 1, gateway: 2 },
      ],
    });
  });

  it('all appear in the help', () => {
    assert.match(optionHelp(), /--max-instructions N +end with status 124/);
  });

  it('name several guests, and how many processors there are', () => {
    const { kernel, others, vcpus, harts } = parseRunOptions(['--vcpus', '2', 'a', 'b', '--harts=8', 'c']);
    assert.deepEqual({ kernel, others, vcpus, harts }, { kernel: 'a', others: ['b', 'c'], vcpus: 2, harts: 8 });
  });

  it('name techniques for the engine to do without, though the help does not tell', () => {
    assert.deepEqual(
      [...parseRunOptions(['a', '--engine-without', 'fusion,float']).engineWithout],
      ['fusion', 'float'],
    );
    assert.doesNotMatch(optionHelp(), /engine/);
  });

  const mistakes: [args: string[], message: RegExp][] = [
    [[], /No kernel is given/],
    [['--bare', 'a', 'b'], /With --bare one kernel.*a, b/],
    [['--bare', '--vcpus', '2', 'a'], /--vcpus is for guests.*--harts/],
    [['--vcpus', '5', 'a'], /--vcpus 5: there can be 1 to 4/],
    [['--time-slice', '999', 'a'], /--time-slice 999: give at least 1000 instructions/],
    [
      ['--time-slice', '5000', '--vcpus', '2', 'a', 'b'],
      /--time-slice has no meaning when .*; leave it out, or give fewer --harts than 4\./,
    ],
    [['--time-slice', '5000', '--bare', 'a'], /--time-slice is for guests of the hypervisor/],
    [['--guest-time', 'back', 'a'], /--guest-time back: there are goes-on and stops/],
    [['--fast', 'a'], /--fast is not an option/],
    [['-x', 'a'], /-x is not an option/],
    [['--bare=yes', 'a'], /--bare takes no value/],
    [['a', '--stats'], /--stats needs a value: --stats FILE/],
    [['a', '--machine-mode'], /goes with --bare/],
    [['a', '--guest-memory', 'lots'], /--guest-memory lots: not a size/],
    [['a', '--expect', '('], /--expect \(: not a regular expression/],
    [['a', '--timeout', '-1'], /--timeout -1: not a positive number/],
    [['a', '--engine-without', 'luck'], /--engine-without luck: "luck" is not a technique; there are translator, /],
    [['a', '--append', 'x', '--append', 'y'], /--append is given twice/],
    [['a', '--bare', '--devices', 'gpu'], /--devices gpu: "gpu" is no device; there are entropy, console, network\./],
    [['a', '--bare', '--forward', '80'], /--forward 80: the port of the guest is missing/],
    [['a', '--bare', '--forward', '0:80'], /--forward 0:80: not ports from 1 to 65535/],
    [['a', '--bare', '--reach', 'http'], /--reach http: not ports/],
    [['a', '--bare', '--reach', '1:7', '--reach', '2:7'], /--reach names port 7 \(tcp\) of the gateway twice/],
    [['a', '--bare', '--share', '/a', '--share', '/b'], /--share names the tag share twice/],
    [['a', '--bare', '--passthrough'], /--passthrough has no meaning with --bare/],
    [['a', '--bare', '--virtio', '3'], /--virtio 3: there are legacy and modern/],
    [['a', '--bare', '--rtc', 'noon'], /--rtc noon: not a time/],
    [['a', '--extensions', 'zfoo'], /"zfoo" is no extension that can be switched; there are Zicbom, /],
    [['a', '--extensions', 'zba,,zbb'], /"" is no extension/],
    [['a', '--extensions', 'zba,-zba'], /Zba is named twice/],
  ];
  for (const [args, message] of mistakes) {
    it(`says what is wrong with "${args.join(' ')}"`, () => {
      assert.throws(
        () => parseRunOptions(args),
        (error) => error instanceof UsageError && message.test(error.message),
      );
    });
  }
});
