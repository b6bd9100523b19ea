/** Nodes of the page-table tree in the words of the view. */
import { byteCount, hex } from '../debugger/format';
import type { Agreement, MappedEntry } from '../debugger/page-tables/entries';
import type { TreeNode } from '../debugger/page-tables/tree';
import { groupViews } from '../debugger/page-tables/view-name';
import { entryFlags } from '../machine/pte';
import type { AddressRangeText, PageTableNode } from '../protocol/page-table';

const AGREEMENTS: Readonly<Record<Agreement, string>> = {
  agrees: 'guest and shadow agree',
  'not-filled': 'no shadow entry yet',
  stale: 'the shadow entry is stale',
  'not-memory': "not the guest's memory",
};

const EXPLANATIONS: Readonly<Record<Agreement, string>> = {
  agrees: 'The shadow entries map what the guest maps, and allow no more than it does.',
  'not-filled':
    'The guest has not used the page in any of its modes since the entry was made; the first access fills it.',
  stale:
    'A shadow entry still maps what the guest no longer says: it changed its table, and no sfence.vma followed yet.',
  'not-memory': 'The guest maps an address at which it has no memory: accesses are emulated by a device, or refused.',
};

export function describeNode(node: TreeNode): PageTableNode {
  switch (node.kind) {
    case 'guest':
      return {
        kind: 'guest',
        id: node.id,
        guest: node.guest,
        label: node.guest,
        description: node.spaces === 1 ? '1 address space' : `${node.spaces} address spaces`,
        tooltip: `Guest **${node.guest}**`,
        hasChildren: node.spaces > 0,
      };
    case 'addressSpace':
      return describeSpace(node);
    case 'table':
      return describeTable(node);
    case 'leaf':
      return describeLeaf(node);
    case 'note':
      return { kind: 'note', id: node.id, label: node.text, description: '', tooltip: node.text, hasChildren: false };
  }
}

function describeSpace(node: Extract<TreeNode, { kind: 'addressSpace' }>): PageTableNode {
  const { satp, asid, root, isCurrent, views } = node;
  const label = root === undefined ? 'No translation (satp: Bare)' : `Root ${hex(root)}, ASID ${asid}`;
  const shadows = views && (views.length > 0 ? `shadow views ${groupViews(views)}` : 'no shadow view yet');
  return {
    kind: 'addressSpace',
    id: node.id,
    satp: hex(satp),
    isCurrent,
    label,
    description: [isCurrent ? 'current' : '', shadows ?? ''].filter(Boolean).join(' · '),
    tooltip: [
      `Address space of satp = \`${hex(satp, 16)}\``,
      root === undefined ? 'The guest uses physical addresses.' : `Root table at GPA \`${hex(root)}\`, ASID ${asid}.`,
      shadows ? `It has ${shadows}.` : '',
    ]
      .filter(Boolean)
      .join('\n\n'),
    hasChildren: true,
  };
}

function describeTable(node: Extract<TreeNode, { kind: 'table' }>): PageTableNode {
  const { level, gva, size, guestTable, views } = node;
  const parts = [
    `level ${level}`,
    guestTable === undefined ? '' : `guest table ${hex(guestTable)}`,
    views.length > 0 ? `shadow ${groupViews(views)}` : '',
  ];
  return {
    kind: 'table',
    id: node.id,
    level,
    gva: rangeOf(gva, size),
    label: rangeText(gva, size),
    description: parts.filter(Boolean).join(' · '),
    tooltip: `Level-${level} entry for ${byteCount(Number(size))}: \`${rangeText(gva, size)}\``,
    hasChildren: true,
  };
}

function describeLeaf(node: Extract<TreeNode, { kind: 'leaf' }>): PageTableNode {
  const { entry, count, size } = node;
  const { gva, level, gpa, hpa, guestEntry, shadow, agreement } = entry;
  const guestFlags = guestEntry === undefined ? undefined : entryFlags(guestEntry);
  return {
    kind: 'leaf',
    id: node.id,
    level,
    count,
    gva: rangeOf(gva, size),
    ...(gpa === undefined ? {} : { gpa: hex(gpa) }),
    ...(hpa === undefined ? {} : { hva: hex(hpa) }),
    ...(guestFlags === undefined ? {} : { guestFlags }),
    shadow: shadow.map((one) => ({ view: one.view, flags: entryFlags(one.entry), hpa: hex(one.hpa) })),
    agreement,
    label: rangeText(gva, size),
    description: leafSummary(entry, guestFlags),
    tooltip: leafTooltip(entry, count, size, guestFlags),
    hasChildren: false,
  };
}

function leafSummary({ gpa, hpa, shadow, agreement }: MappedEntry, guestFlags: string | undefined): string {
  const path = [gpa === undefined ? '' : `→ GPA ${hex(gpa)}`, hpa === undefined ? '' : `→ HVA ${hex(hpa)}`];
  const flags = [
    guestFlags === undefined ? '' : `guest ${guestFlags}`,
    groupViews(
      shadow.map(({ view }) => view),
      (_, index) => entryFlags(shadow[index]!.entry),
    ),
  ];
  return [path.filter(Boolean).join(' '), flags.filter(Boolean).join(', '), AGREEMENTS[agreement]]
    .filter(Boolean)
    .join(' · ');
}

function leafTooltip(entry: MappedEntry, count: number, size: bigint, guestFlags: string | undefined): string {
  const { gva, level, gpa, hpa, guestEntryAddress, shadow, agreement } = entry;
  const each = byteCount(4096 * 512 ** level);
  const rows = [
    `**GVA** \`${rangeText(gva, size)}\``,
    count === 1 ? `one page of ${each}` : `${count} pages of ${each}, folded together: they continue each other`,
    gpa === undefined ? 'The guest maps nothing here.' : `**GPA** \`${hex(gpa)}\``,
    hpa === undefined ? '' : `**HVA** (= HPA) \`${hex(hpa)}\``,
    guestFlags === undefined ? '' : `**guest entry** \`${guestFlags}\`${at(guestEntryAddress)}`,
    ...shadow.map((one) => `**shadow entry, ${one.view}** \`${entryFlags(one.entry)}\` → HPA \`${hex(one.hpa)}\``),
    EXPLANATIONS[agreement],
  ];
  return rows.filter(Boolean).join('\n\n');
}

function at(address: number | undefined): string {
  return address === undefined ? '' : ` at GPA \`${hex(address)}\``;
}

function rangeOf(first: bigint, size: bigint): AddressRangeText {
  return { first: hex(first), last: hex(first + size - 1n) };
}

function rangeText(first: bigint, size: bigint): string {
  const { last } = rangeOf(first, size);
  return `${hex(first)} – ${last}`;
}
