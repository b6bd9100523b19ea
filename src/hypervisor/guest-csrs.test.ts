import assert from 'node:assert/strict';
import type { Extension } from '../isa/extensions';
import { isImplemented } from '../isa/extensions';
import { EXTERNAL_INTERRUPT, GUEST_CSRS, guestCsr, GuestCsrs, SSTATUS, TIMER_INTERRUPT } from './guest-csrs';

function newCsrs(extensions: ReadonlySet<Extension> = new Set()): GuestCsrs {
  let fs = 0;
  return new GuestCsrs({ get: () => fs, set: (status) => void (fs = status) }, extensions);
}

function write(csrs: GuestCsrs, name: string, value: bigint): bigint {
  const csr = GUEST_CSRS.find((each) => each.name === name);
  assert.ok(csr);
  const legal = csr.legalize(csrs, value);
  csr.store(csrs, legal);
  assert.equal(csr.read(csrs), legal, `${name} reads what was said it would`);
  return legal;
}

const ONES = 0xffff_ffff_ffff_ffffn;

describe('guest CSRs', () => {
  it('keep what the hart would keep of all ones', () => {
    const csrs = newCsrs();
    const { SIE, SPIE, SPP, FS, SUM, MXR, UXL_64, SD } = SSTATUS;
    const withoutFloat = SIE | SPIE | SPP | SUM | MXR | UXL_64;
    const expected = isImplemented('F') ? withoutFloat | FS | SD : withoutFloat;
    assert.equal(write(csrs, 'sstatus', ONES), expected);
    assert.equal(write(csrs, 'sie', ONES), 0x222n);
    assert.equal(write(csrs, 'sip', ONES), 0x2n, 'only SSIP is the guest kernel’s to change');
    assert.equal(write(csrs, 'sepc', ONES), ONES - 1n);
    assert.equal(write(csrs, 'scause', ONES), ONES);
    assert.equal(write(csrs, 'senvcfg', ONES), 1n);
    assert.equal(guestCsr(0x300), undefined, 'mstatus is not one');
  });

  it('have the fields of the extensions that the guest has', () => {
    assert.equal(write(newCsrs(new Set<Extension>(['Zicboz'])), 'senvcfg', ONES), 0x81n);
    assert.equal(write(newCsrs(new Set<Extension>(['Zicboz', 'Zicbom'])), 'senvcfg', ONES), 0xf1n);
  });

  it('do not change anything in finding out what a write would keep', () => {
    const csrs = newCsrs();
    write(csrs, 'sstatus', SSTATUS.SUM);
    guestCsr(0x100)?.legalize(csrs, ONES);
    assert.equal(csrs.sstatus, SSTATUS.UXL_64 | SSTATUS.SUM);
  });

  it('ignore a write of satp with a mode that does not exist', () => {
    const csrs = newCsrs();
    const sv39 = (8n << 60n) | (7n << 44n) | 0x80123n;
    write(csrs, 'satp', sv39);
    assert.equal(write(csrs, 'satp', (11n << 60n) | 0x1n), sv39);
    assert.equal(write(csrs, 'satp', 0n), 0n);
    assert.ok(csrs.bare);
  });

  it('ignore a write of stvec with a reserved mode', () => {
    const csrs = newCsrs();
    write(csrs, 'stvec', 0x8020_0001n);
    assert.equal(write(csrs, 'stvec', 0x8020_0002n), 0x8020_0001n);
  });

  it('find the interrupt that comes first', () => {
    const csrs = newCsrs();
    csrs.setPending(TIMER_INTERRUPT, true);
    csrs.setPending(EXTERNAL_INTERRUPT, true);
    assert.equal(csrs.firstInterrupt(), undefined);
    write(csrs, 'sie', 0x222n);
    assert.equal(csrs.firstInterrupt(), EXTERNAL_INTERRUPT);
    csrs.setPending(EXTERNAL_INTERRUPT, false);
    assert.equal(csrs.firstInterrupt(), TIMER_INTERRUPT);
  });
});
