import assert from 'node:assert/strict';
import { instructionBuckets } from '../isa/decode';
import { switchableExtensions } from '../isa/extensions';
import { BUCKETS, PAIR_NUMBERS, writeEncodings } from './encodings';
import * as at from './layout';
import { operations } from './record';
import { MAX_REGIONS } from './translator/region-type';

describe('layout of the engine memory', () => {
  it('has no two things in one place', () => {
    const records = at.RECORDS_END - at.RECORDS;
    const everything = instructionBuckets(new Set(switchableExtensions));
    const encodingsSize = writeEncodings(new ArrayBuffer(at.RECORDS), everything, true) - at.ENCODINGS;
    const areas: readonly (readonly [name: string, start: number, size: number])[] = [
      ['cells', 0, at.DATA_TLBS],
      ['data TLBs', at.DATA_TLBS, at.TLB_COUNT * at.DATA_TLB_SIZE],
      ['parked harts', at.PARKED_HARTS, at.MAX_HARTS * at.PARKED_HART_SIZE],
      ['CSR values', at.CSR_VALUES, 4096 * 8],
      ['CSR masks', at.CSR_MASKS, 4096 * 8],
      ['CSR readers', at.CSR_READABLE, 4096],
      ['CSR writers', at.CSR_WRITABLE, 4096],
      ['superpages', at.SUPERPAGES, at.SUPERPAGES_SIZE],
      ['kinds of access', at.ACCESS_KINDS, operations.length],
      ['buckets of encodings', at.ENCODING_BUCKETS, BUCKETS * 4],
      ['first operations of pairs', at.PAIR_FIRSTS, operations.length],
      ['second operations of pairs', at.PAIR_SECONDS, operations.length],
      ['encodings', at.ENCODINGS, encodingsSize],
      ['pairs', at.PAIRS, PAIR_NUMBERS * PAIR_NUMBERS * 2],
      ['scratch records', at.SCRATCH_RECORDS, 0x1000],
      ['fetch TLBs', at.FETCH_TLBS, at.TLB_COUNT * at.FETCH_TLB_SIZE],
      ['storable pages', at.STORABLE, 2 ** 32 / 0x1000],
      ['slot tables', at.SLOT_TABLES, at.SLOT_TABLE_COUNT * at.SLOT_TABLE_SIZE],
      ['records', at.RECORDS, records],
      ['heat', at.HEAT, records / 4],
      ['failures of regions', at.REGION_FAILURES, MAX_REGIONS * 8],
      ['entries of regions', at.REGION_ENTRIES, MAX_REGIONS * 4],
      ['remembered pages', at.REMEMBERED_PAGES, at.REMEMBERED_PAGES_SIZE],
      ['pages of code', at.CODE_PAGES, at.SLOT_TABLE_COUNT * 4],
      ['page information', at.PAGE_INFO, (2 ** 32 / 0x1000) * 4],
      ['RAM', at.RAM, 1],
    ];
    areas.slice(1).forEach(([name, start], i) => {
      const [before, from, size] = areas[i];
      assert.ok(from + size <= start, `${name} at 0x${start.toString(16)} lies in ${before}`);
    });
    assert.equal(at.RAM % 0x10000, 0);
  });
});
