/** Reads flattened device trees back, for tests: as nested nodes, and as text. Independent of the code that writes them. */
import assert from 'node:assert/strict';

export interface ReadNode {
  name: string;
  properties: [name: string, value: Uint8Array][];
  children: ReadNode[];
}

/** Parses a version 17 blob; asserts everything about its form. */
export function readFdt(blob: Uint8Array): ReadNode {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  const header = Array.from({ length: 10 }, (_, index) => view.getUint32(4 * index));
  const [magic, total, structure, strings, reservations, version, compatible, , stringsSize, structureSize] = header;
  assert.equal(magic, 0xd00dfeed);
  assert.equal(total <= blob.length, true, 'total size');
  assert.deepEqual([version, compatible], [17, 16]);
  assert.equal(reservations % 8, 0);
  assert.equal(structure % 4, 0);
  assert.equal(view.getBigUint64(reservations) | view.getBigUint64(reservations + 8), 0n, 'no reservations');
  assert.equal(strings + stringsSize <= total, true, 'strings inside');

  let at = structure;
  const text = (start: number) => new TextDecoder().decode(blob.subarray(start, blob.indexOf(0, start)));
  const cell = () => view.getUint32((at += 4) - 4);
  const node = (): ReadNode => {
    const name = text(at);
    at = (at + new TextEncoder().encode(name).length + 4) & ~3;
    const result: ReadNode = { name, properties: [], children: [] };
    for (;;) {
      const token = cell();
      if (token === 1) result.children.push(node());
      else if (token === 2) return result;
      else if (token === 3) {
        const length = cell();
        const nameOffset = cell();
        result.properties.push([text(strings + nameOffset), blob.slice(at, at + length)]);
        at = (at + length + 3) & ~3;
      } else assert.equal(token, 4, 'a token of the structure block');
    }
  };
  assert.equal(cell(), 1);
  const root = node();
  assert.equal(cell(), 9);
  assert.equal(at, structure + structureSize);
  return root;
}

/** The tree in the manner of a device tree source. */
export function fdtText(node: ReadNode, indent = ''): string {
  const inner = `${indent}  `;
  const lines = node.properties.map(([name, value]) => `${inner}${name}${valueText(value)};\n`);
  const children = node.children.map((child) => fdtText(child, inner));
  return `${indent}${node.name || '/'} {\n${lines.join('')}${children.join('')}${indent}};\n`;
}

/** Text where every byte is printable and each text ends in zero, else cells or bytes. */
function valueText(value: Uint8Array): string {
  if (value.length === 0) return '';
  const text = new TextDecoder('latin1').decode(value);
  if (/^([\x20-\x7e]+\0)+$/.test(text)) {
    const texts = text.slice(0, -1).split('\0');
    return ` = ${texts.map((part) => JSON.stringify(part)).join(', ')}`;
  }
  const hex = (width: number) =>
    Buffer.from(value)
      .toString('hex')
      .match(new RegExp(`.{${width}}`, 'g'))!
      .join(' ');
  return value.length % 4 === 0 ? ` = <${hex(8)}>` : ` = [${hex(2)}]`;
}

/** The texts of the first processor's properties, by name. */
export function cpuNode(blob: Uint8Array): (property: string) => string {
  const cpus = readFdt(blob).children.find(({ name }) => name === 'cpus');
  const cpu = cpus?.children.find(({ name }) => name === 'cpu@0');
  return (property) => {
    const value = cpu?.properties.find(([name]) => name === property)?.[1];
    assert.ok(value, property);
    return new TextDecoder().decode(value).replace(/\0$/, '');
  };
}
