// TLBs: what is found after filling, selecting, and flushing in each way.
import assert from 'node:assert/strict';
import { DATA_ENTRIES, LOAD_TAG, RAM, SLOT_TABLES, STORE_TAG, TLB_COUNT } from './layout';
import { tlbKey, Tlbs } from './tlb';

const PAGE = 0x1000;

const use = (number: number, hart = 0) => ({ key: tlbKey(hart, number) });

function create(): Tlbs {
  return new Tlbs(new ArrayBuffer(SLOT_TABLES));
}

/** Maps pages one to one, from this address on. */
function fill(tlbs: Tlbs, from: number, pages: number): void {
  for (let i = 0; i < pages; i++) tlbs.fillData(LOAD_TAG, from + i * PAGE, 0, RAM + from + i * PAGE);
}

function found(tlbs: Tlbs, from: number, pages: number): number {
  let count = 0;
  for (let i = 0; i < pages; i++) if (tlbs.loadAddress(BigInt(from + i * PAGE)) !== undefined) count++;
  return count;
}

describe('TLBs', () => {
  it('find what was filled, and nothing else', () => {
    const tlbs = create();
    tlbs.fillData(LOAD_TAG, 0x5000, 7, RAM + 0x9000);
    assert.equal(tlbs.loadAddress(0x7_0000_5123n), RAM + 0x9123);
    assert.equal(tlbs.loadAddress(0x8_0000_5123n), undefined);
    assert.equal(tlbs.loadAddress(0x7_0000_6123n), undefined);
    tlbs.fillFetch(0x5000, 7, SLOT_TABLES);
    assert.equal(tlbs.slotTable(0x5ffe, 7), SLOT_TABLES);
    assert.equal(tlbs.slotTable(0x6000, 7), 0);
  });

  it('loads and stores share an entry only while they lead to the same page', () => {
    const tlbs = create();
    tlbs.fillData(LOAD_TAG, 0x5000, 0, RAM);
    tlbs.fillData(STORE_TAG, 0x5000, 0, RAM);
    assert.equal(tlbs.loadAddress(0x5000n), RAM);
    tlbs.fillData(STORE_TAG, 0x5000, 0, RAM + PAGE);
    assert.equal(tlbs.loadAddress(0x5000n), undefined);
  });

  it('are kept by key, for fetches and data apart', () => {
    const tlbs = create();
    fill(tlbs, 0, 1);
    assert.equal(tlbs.select(use(0), use(1)), true);
    assert.equal(tlbs.select(use(0), use(1)), false);
    assert.equal(found(tlbs, 0, 1), 0);
    tlbs.select(use(1), use(0));
    assert.equal(found(tlbs, 0, 1), 1);
  });

  it('the one not used for longest ends, empty, for a new key', () => {
    const tlbs = create();
    for (let key = 0; key < TLB_COUNT; key++) {
      tlbs.select(use(0), use(key));
      fill(tlbs, 0, 2);
    }
    tlbs.select(use(0), use(0));
    tlbs.select(use(0), use(TLB_COUNT));
    assert.equal(found(tlbs, 0, 2), 0);
    tlbs.select(use(0), use(0));
    assert.equal(found(tlbs, 0, 2), 2);
    tlbs.select(use(0), use(1));
    assert.equal(found(tlbs, 0, 2), 0);
  });

  it('a flush drops few entries and many', () => {
    const tlbs = create();
    for (const pages of [3, DATA_ENTRIES, 3]) {
      fill(tlbs, 0, pages);
      tlbs.select(use(0), use(1));
      fill(tlbs, 0, 1);
      tlbs.select(use(0), use(0));
      assert.equal(found(tlbs, 0, DATA_ENTRIES), pages);
      tlbs.flush();
      assert.equal(found(tlbs, 0, DATA_ENTRIES), 0);
      tlbs.select(use(0), use(1));
      assert.equal(found(tlbs, 0, 1), 0);
      tlbs.select(use(0), use(0));
    }
  });

  it('one page is dropped in all address spaces', () => {
    const tlbs = create();
    for (const key of [1, 0]) {
      tlbs.select(use(key), use(key));
      fill(tlbs, 0, 3);
      tlbs.fillFetch(PAGE, 0, SLOT_TABLES);
    }
    tlbs.flushPage(PAGE, 0);
    for (const key of [0, 1]) {
      tlbs.select(use(key), use(key));
      assert.equal(found(tlbs, 0, 3), 2);
      assert.equal(tlbs.slotTable(PAGE, 0), 0);
    }
  });

  it('belong to harts, which flush their own', () => {
    const tlbs = create();
    for (const hart of [0, 1]) {
      tlbs.select(use(0, hart), use(1, hart));
      assert.equal(found(tlbs, 0, 2), 0);
      fill(tlbs, 0, 2);
    }
    tlbs.flushPage(PAGE, 0);
    assert.equal(found(tlbs, 0, 2), 2);
    tlbs.select(use(0), use(1));
    assert.equal(found(tlbs, 0, 2), 1);
    tlbs.flush(1);
    assert.equal(found(tlbs, 0, 2), 1);
    tlbs.select(use(0, 1), use(1, 1));
    assert.equal(found(tlbs, 0, 2), 0);
  });
});
