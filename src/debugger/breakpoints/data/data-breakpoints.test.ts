// Data breakpoints in sessions: stops behind the access, conditions, and bytes that move as page tables change.
import assert from 'node:assert/strict';
import { SessionLab } from '../../../../test/support/session-lab';
import type { Stop } from '../../stop';
import { offerAddress, offerExpression } from '../../inspection/data-offers';
import type { DataAccessType } from './resolve-data';

const FAR = 0x2000000000n;
const DATA = `
.align 12
data: .zero 8192
tables: .zero 12288
`;

/** Sv39: one gigabyte at 0x80000000 one to one, and page 0x2000000000 by way of three tables to `data`. */
const PAGING = `
  la s2, tables
  li t1, 0x200000ef
  sd t1, 16(s2)
  li t3, 4096
  add s3, s2, t3
  add s4, s3, t3
  srli t0, s3, 12
  slli t0, t0, 10
  addi t0, t0, 1
  sd t0, 1024(s2)
  srli t0, s4, 12
  slli t0, t0, 10
  addi t0, t0, 1
  sd t0, 0(s3)
  srli t0, s2, 12
  li t1, 8
  slli t1, t1, 60
  or t0, t0, t1
  csrw satp, t0
  sfence.vma
`;

const HALT = 'li a7, 8\necall\nself: j self';

function set(lab: SessionLab, address: bigint, bytes: number, access: DataAccessType, condition?: string): void {
  const { id } = offerAddress(lab.session, 'gva', address, bytes);
  const [breakpoint] = lab.session.breakpoints.setData([{ id: id!, access, ...(condition ? { condition } : {}) }]);
  assert.equal(breakpoint.verified, true);
}

const textOf = ({ reason }: Stop): string => (reason.kind === 'data' ? reason.text : reason.kind);

for (const mode of ['bare', 'hypervisor'] as const) {
  describe(`data breakpoints, ${mode}`, () => {
    const boot = (source: string): SessionLab => new SessionLab(source, { mode, stopOnEntry: true });

    it('stop behind each write, and say what changed', async () => {
      const lab = boot(
        `la s0, data\nli t0, 3\nloop: sw t0, 4(s0)\nstored: addi t0, t0, -1\nbnez t0, loop\n${HALT}${DATA}`,
      );
      const { labels, session } = lab;
      await lab.stop(() => session.start());
      set(lab, labels.get('data')! + 4n, 4, 'write');
      const texts: string[] = [];
      const counts: number[] = [];
      for (let round = 0; round < 3; round++) {
        const stop = await lab.stop(() => session.continue());
        assert.equal(stop.target.pc, labels.get('stored'));
        texts.push(textOf(stop));
        counts.push(session.system.instructions);
      }
      assert.match(texts[0], /^0x802\d+ changed from 0x0 to 0x3 by the instruction at 0x802/);
      assert.match(texts[2], / changed from 0x2 to 0x1 by /);
      assert.deepEqual([counts[1] - counts[0], counts[2] - counts[1]], [3, 3]);
      assert.ok('code' in (await lab.until(() => session.continue())));
    });

    it('stop on reads, not on writes, and on both', async () => {
      const source = `la s0, data\nsd s0, 0(s0)\nread: ld t1, 0(s0)\nafter: amoswap.w t0, s0, (s0)\n${HALT}${DATA}`;
      for (const [access, pcs] of [
        ['read', ['after', 'after+4']],
        ['write', ['read', 'after+4']],
        ['readWrite', ['read', 'after', 'after+4']],
      ] as const) {
        const lab = boot(source);
        await lab.stop(() => lab.session.start());
        set(lab, lab.labels.get('data')!, 1, access);
        for (const wanted of pcs) {
          const stop = await lab.stop(() => lab.session.continue());
          const [label, offset = '0'] = wanted.split('+');
          assert.equal(stop.target.pc, lab.labels.get(label)! + BigInt(offset), `${access} ${wanted}`);
          assert.match(textOf(stop), access === 'read' ? /was read by/ : /(changed from|was (read|written) by)/);
        }
        assert.ok('code' in (await lab.until(() => lab.session.continue())));
      }
    });

    it('obey conditions on the old and new value, and count hits', async () => {
      const source = `la s0, data\nli t0, 100\nloop: sd t0, 0(s0)\nsd t0, 0(s0)\naddi t0, t0, -1\nbnez t0, loop\n${HALT}${DATA}`;
      const lab = boot(source);
      await lab.stop(() => lab.session.start());
      set(lab, lab.labels.get('data')!, 8, 'write', 'old != new && new % 10 == 7');
      const seen: bigint[] = [];
      for (let round = 0; round < 3; round++) seen.push((await lab.stop(() => lab.session.continue())).target.x(5));
      assert.deepEqual(seen, [97n, 87n, 77n]);
      const { id } = offerAddress(lab.session, 'gva', lab.labels.get('data')!, 8);
      lab.session.breakpoints.setData([{ id: id!, access: 'write', hitCondition: '5' }]);
      assert.equal((await lab.stop(() => lab.session.continue())).target.x(5), 75n);
    });

    it('end steps, too', async () => {
      const lab = boot(`la s0, data\nsd s0, 8(s0)\nnop\n${HALT}${DATA}`);
      const { target } = await lab.stop(() => lab.session.start());
      set(lab, lab.labels.get('data')!, 16, 'write');
      await lab.stop(() => lab.session.step(target, 'over', 'instruction'));
      await lab.stop(() => lab.session.step(target, 'over', 'instruction'));
      const stop = await lab.stop(() => lab.session.step(target, 'over', 'instruction'));
      assert.equal(stop.reason.kind, 'data');
      assert.match(textOf(stop), /^0x802\d+\+0x8 changed from 0x0 to 0x802/);
    });

    it('wait for a mapping, and follow it', async () => {
      const source = `
        la s6, data
        la s2, tables
        ${PAGING}
        li s1, ${FAR}
        srli t0, s6, 12
        slli t0, t0, 10
        addi t0, t0, 0xc7
        mapped: sd t0, 0(s4)
        sfence.vma
        sd s1, 0(s1)
        first: addi t0, t0, 1024
        sd t0, 0(s4)
        sfence.vma
        sd s1, 0(s6)
        sd s1, 0(s1)
        second: li t2, 4096
        add s6, s6, t2
        sd zero, 0(s6)
        third: sd zero, 0(s4)
        sfence.vma
        sd s1, 0(s6)
        ${HALT}${DATA}`;
      const lab = boot(source);
      const { labels, session } = lab;
      await lab.stop(() => session.start());
      set(lab, FAR, 8, 'write');
      assert.equal((await lab.stop(() => session.continue())).target.pc, labels.get('first'));
      assert.equal((await lab.stop(() => session.continue())).target.pc, labels.get('second'));
      // Other virtual addresses of the same memory count as well.
      assert.equal((await lab.stop(() => session.continue())).target.pc, labels.get('third'));
      assert.ok('code' in (await lab.until(() => session.continue())));
    });

    it('see A and D bits being set, which no instruction writes', async () => {
      const source = `
        la s6, data
        la s2, tables
        ${PAGING}
        li s1, ${FAR}
        srli t0, s6, 12
        slli t0, t0, 10
        addi t0, t0, 7
        sd t0, 0(s4)
        sfence.vma
        ready: ld t1, 0(s1)
        behind: nop
        ${HALT}${DATA}`;
      const lab = boot(source);
      const { labels, session } = lab;
      await lab.stop(() => session.start());
      session.breakpoints.setInstructions([{ address: labels.get('ready')! }]);
      const { target } = await lab.stop(() => session.continue());
      set(lab, target.x(20), 8, 'write');
      const stop = await lab.stop(() => session.continue());
      assert.match(textOf(stop), /changed from 0x\w+7 to 0x\w+47 by the page walk, a device or the hypervisor/);
    });

    it('hold after a restart', async () => {
      const lab = boot(`la s0, data\nsd s0, 8(s0)\nbehind: nop\n${HALT}${DATA}`);
      await lab.stop(() => lab.session.start());
      set(lab, lab.labels.get('data')!, 16, 'write');
      await lab.stop(() => lab.session.continue());
      await lab.stop(() => void lab.session.restart(lab.options));
      const stop = await lab.stop(() => lab.session.continue());
      assert.equal(stop.target.pc, lab.labels.get('behind'));
    });

    it('say why something cannot be watched', async () => {
      const lab = boot(`nop\n${HALT}${DATA}`);
      await lab.stop(() => lab.session.start());
      const offer = (source: string, bytes?: number): string =>
        offerExpression(lab.session, undefined, source, bytes).description;
      assert.match(offer('a0'), /^"a0" is not in memory.*use "\*a0"/);
      assert.match(offer('nothing'), /not known/);
      assert.match(offer('*(u32*)$pc'), /^\*\(u32\*\)\$pc \(4 bytes at /);
      assert.match(offer('$pc + 16', 16), /\(16 bytes at /);
      assert.match(offer('$pc', 1 << 24), /at most 1048576 bytes/);
      assert.match(offerAddress(lab.session, 'gva', 0x10000000n, 1).description, /is not memory/);
      const [unknown] = lab.session.breakpoints.setData([{ id: '{"kind":"address"}', access: 'read' }]);
      assert.equal(unknown.verified, false);
    });
  });
}
