/** `hypocaust run`, as the built program: console, exit status, limits, and its messages about bad input. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hartsOutput } from '../support/harts-fixture';

const root = join(__dirname, '..', '..');
const cli = join(root, 'dist', 'cli.js');
const kernel = join(root, 'samples', 'teaching-kernel', 'kernel.elf');
const fixture = (name: string) => join(root, 'test', 'fixtures', `${name}.elf`);

function hypocaust(args: readonly string[], input = '') {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    input,
    encoding: 'latin1',
    timeout: 30_000,
  });
  return { status, stdout, stderr };
}

describe('hypocaust run', function () {
  this.timeout(40_000);

  for (const mode of [[], ['--bare']]) {
    it(`runs the sample kernel ${mode.length ? 'bare' : 'as a guest'}, feeds its console, and ends with its status`, () => {
      const { status, stdout } = hypocaust(['run', ...mode, kernel], 'c\rq\r');
      assert.match(stdout, /kernel> c\r?\n[^]*illegal instruction[^]*kernel> q\r?\nGood bye\./);
      assert.equal(status, 0);
    });
  }

  it('runs as many harts as are asked for', () => {
    for (const harts of [1, 4]) {
      const { status, stdout } = hypocaust(['run', '--bare', '--harts', `${harts}`, fixture('harts')]);
      assert.deepEqual([status, stdout], [0, hartsOutput(harts)]);
    }
    for (const harts of ['0', '9', 'two']) {
      const { status, stderr } = hypocaust(['run', '--bare', '--harts', harts, fixture('harts')]);
      assert.equal(status, 2);
      assert.match(stderr, /--harts \w+: there can be 1 to 8\./);
    }
  });

  it('runs several guests, names their lines, and tells when one has ended', () => {
    const kernels = [fixture('harts'), fixture('harts'), fixture('jump-to-nowhere')];
    const { status, stdout, stderr } = hypocaust(['run', '--vcpus', '2', '--max-instructions', '1500000', ...kernels]);
    assert.equal(status, 124);
    for (const name of ['harts.elf', 'harts.elf-2']) {
      const lines = stdout.split('\n').filter((line) => line.startsWith(`${name}| `));
      assert.equal(lines.map((line) => `${line.slice(name.length + 2)}\n`).join(''), hartsOutput(2));
      assert.ok(stderr.includes(`Guest ${name}: The guest shut down. The others go on.`));
    }
    assert.match(stderr, /Guest jump-to-nowhere.elf: vCPU 0 gets nowhere: its trap handler at 0x0 traps at its first/);
  });

  it('names the vCPUs in its log of VM exits', () => {
    const args = ['run', '--vcpus', '2', '--harts', '1', '--exit-log', '99,vcpuSwitch'];
    const { stderr } = hypocaust([...args, fixture('harts'), fixture('harts')]);
    assert.match(stderr, /harts\.elf +vCPU 0 .* vcpuSwitch to harts\.elf-2, vCPU 0: slice over /);
    assert.match(stderr, /harts\.elf-2 +vCPU 1 .* vcpuSwitch to harts\.elf(-2)?, vCPU \d: (waits|stopped) /);
  });

  it('runs more vCPUs than harts in turn', () => {
    const kernels = [fixture('harts'), fixture('harts'), fixture('harts')];
    for (const options of [[], ['--harts', '2', '--time-slice', '5000', '--guest-time', 'stops']]) {
      const { status, stdout } = hypocaust(['run', '--vcpus', '4', ...options, ...kernels]);
      assert.equal(status, 0);
      const lines = stdout.split('\n').filter((line) => line.startsWith('harts.elf-3| '));
      assert.equal(lines.map((line) => `${line.slice('harts.elf-3| '.length)}\n`).join(''), hartsOutput(4));
    }
  });

  it('ends at the expected output, or with 1 when the guest ends without it', () => {
    assert.equal(hypocaust(['run', '--expect', '^Type h for help', kernel]).status, 0);
    const missed = hypocaust(['run', '--expect', 'login:', kernel], 'q\r');
    assert.equal(missed.status, 1);
    assert.match(missed.stderr, /never matched \/login:\/m/);
  });

  it('ends after exactly so many instructions, with status 124 and statistics', () => {
    const folder = mkdtempSync(join(tmpdir(), 'hypocaust-'));
    try {
      const stats = join(folder, 'stats.json');
      const { status, stderr } = hypocaust(['run', '--max-instructions', '123457', '--stats', stats, kernel]);
      assert.equal(status, 124);
      assert.match(stderr, /the limit was reached after 123457 instructions/);
      const { instructions, seconds, mips, exits } = JSON.parse(readFileSync(stats, 'utf8'));
      assert.equal(instructions, 123457);
      assert.ok(seconds > 0 && mips > 0);
      assert.ok(exits.shadowFill > 0 && exits.csrWrite > 0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('tells what VM exits there were, as data and as text', () => {
    const folder = mkdtempSync(join(tmpdir(), 'hypocaust-'));
    try {
      const stats = join(folder, 'stats.json');
      // Input would come when the host has time for it.
      const options = ['--max-instructions', '1000000', '--stats', stats, '--exit-log', '2,sret'];
      const first = hypocaust(['run', ...options, kernel]);
      assert.equal(first.status, 124);
      assert.match(first.stderr, /The last 2 VM exits:\n(.* sret to v[SU] at 0x[0-9a-f]+ .*\n){2}/);
      const { instructions, seconds, mips, measured, ...counted } = JSON.parse(readFileSync(stats, 'utf8'));
      assert.equal(measured.unit, 'ms');
      assert.ok(seconds > 0 && mips > 0 && measured.guests[0].time > 0);
      const [guest] = counted.guests;
      assert.equal(guest.guest, 'kernel.elf');
      const write = guest.kinds.find(({ kind }: { kind: string }) => kind === 'csrWrite');
      assert.equal(write.count, counted.exits.csrWrite);
      assert.ok(write.subjects.some(({ subject }: { subject: string }) => subject === 'satp'));
      const places = write.sites.map((site: { symbol: string; file: string }) => `${site.symbol} ${site.file}`);
      assert.ok(
        places.some((place: string) => /use_page_table.* kernel\/paging.c/.test(place)),
        places.join(),
      );
      assert.equal(counted.log.length, 2);

      assert.equal(hypocaust(['run', ...options, kernel]).status, 124);
      const second = JSON.parse(readFileSync(stats, 'utf8'));
      assert.equal(second.instructions, instructions);
      for (const [name, value] of Object.entries(counted)) assert.deepEqual(second[name], value, name);
    } finally {
      rmSync(folder, { recursive: true });
    }
    const { stderr } = hypocaust(['run', '--stats', '-', kernel], 'q\r');
    assert.match(stderr, /kernel.elf: [0-9,]+ VM exits in [0-9,]+ instructions, one in [0-9]+, .* on the host\./);
    assert.match(stderr, /^csrWrite +[0-9,]+ +[0-9.]+ % .*\n {2}s[a-z]+ /m);
  });

  it('tells of a stale translation, or ends there', () => {
    const told = hypocaust(['run', kernel], 'f\rf\rq\r');
    assert.equal(told.status, 0);
    assert.equal(
      told.stderr.match(/hypocaust: Load from 0x30000000 at .* missing_sfence.*stale translation/g)?.length,
      1,
    );
    const ended = hypocaust(['run', '--stale-translations', 'stop', kernel], 'f\rq\r');
    assert.equal(ended.status, 1);
    assert.match(ended.stderr, /stale translation/);
    assert.doesNotMatch(ended.stdout, /Good bye/);
    assert.equal(hypocaust(['run', '--stale-translations', 'ignore', kernel], 'f\rq\r').stderr, '');
    assert.match(hypocaust(['run', '--stale-translations', 'on', kernel]).stderr, /there are stop, log, ignore/);
  });

  it('stops a guest that loops for ever with interrupts off when the time is over', () => {
    const { status } = hypocaust(['run', '--timeout', '0.5', fixture('loop-interrupts-off')]);
    assert.equal(status, 124);
  });

  it('ends quietly when nobody reads its console any more, as other programs do', async () => {
    const child = spawn(process.execPath, [cli, 'run', kernel]);
    let errors = '';
    child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
    child.stdin.on('error', () => undefined);
    child.stdout.once('data', () => {
      child.stdout.destroy();
      // Makes it print something more.
      child.stdin.write('h\r');
    });
    const status = await new Promise((resolve) => child.on('close', resolve));
    assert.equal(errors, '');
    assert.equal(status, 141);
  });

  it('runs M-mode images with their exit code', () => {
    const machine = ['run', '--bare', '--machine-mode'];
    assert.equal(hypocaust([...machine, fixture('machine-mode-pass')]).status, 0);
    assert.equal(hypocaust([...machine, fixture('machine-mode-fail')]).status, 3);
  });

  const refused: [args: string[], status: number, message: RegExp][] = [
    [['run', '/no/such/kernel'], 1, /kernel \/no\/such\/kernel cannot be read: there is no such file/],
    [['run', root], 1, /cannot be read: this is a folder/],
    [['run', join(root, 'package.json')], 1, /not an ELF file/],
    [['run', fixture('rv32')], 1, /32-bit/],
    [['run', fixture('segment-outside')], 1, /outside/],
    [['run', fixture('entry-outside')], 1, /entry/],
    [['run', '--initrd', '/no/such/initrd', kernel], 1, /initial RAM disk \/no\/such\/initrd cannot be read/],
    [['run', '--guest-memory', '16G', kernel], 1, /memory/],
    [['run'], 2, /No kernel is given/],
    [['walk'], 2, /"walk" is not a command/],
  ];
  for (const [args, status, message] of refused) {
    it(`refuses "${args.map((arg) => arg.replace(root, '.')).join(' ')}" in one sentence`, () => {
      const result = hypocaust(args);
      assert.equal(result.status, status);
      assert.match(result.stderr, message);
      assert.equal(result.stderr.trim().split('\n').length, 1, result.stderr);
    });
  }

  it('refuses an executable of the host by its architecture', () => {
    const { status, stderr } = hypocaust(['run', process.execPath]);
    assert.equal(status, 1);
    assert.match(stderr, /x86-64|AArch64|ARM|not an ELF file/i);
  });

  it('refuses an empty file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'hypocaust-'));
    try {
      const file = join(folder, 'empty');
      writeFileSync(file, '');
      assert.match(hypocaust(['run', file]).stderr, /empty/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
