/** How a node of the page-table tree looks: icon, colour, words. Without VS Code, so that it can be tested alone. */
import type { GuestInfo } from '../../protocol/guests';
import type { Agreement, PageTableNode } from '../../protocol/page-table';
import { guestNote, guestOffers } from '../guests/presentation';

/** A codicon and a theme colour. */
export interface Icon {
  readonly name: string;
  readonly color?: string;
}

export interface Presentation {
  readonly label: string;
  readonly description: string;
  /** Markdown. */
  readonly tooltip: string;
  readonly icon: Icon;
  /** Read by screen readers in place of label, description and icon. */
  readonly spoken: string;
  /** What the node's menu offers, as words that package.json's `viewItem =~ /…/` look for. */
  readonly offers: string;
  /** To open at first sight: the way to what the vCPU uses now. */
  readonly openAtFirst: boolean;
}

/** Each agreement: its icon, and the same in words for those who do not see it. */
export const AGREEMENTS: Readonly<Record<Agreement, { readonly icon: Icon; readonly meaning: string }>> = {
  agrees: {
    icon: { name: 'pass', color: 'testing.iconPassed' },
    meaning: 'The shadow entry agrees with the guest entry.',
  },
  'not-filled': {
    icon: { name: 'circle-outline', color: 'disabledForeground' },
    meaning: 'No shadow entry yet: the hypervisor makes it at the first access.',
  },
  stale: {
    icon: { name: 'warning', color: 'list.warningForeground' },
    meaning: 'The shadow entry is stale: the guest changed its entry without an SFENCE.VMA.',
  },
  'not-memory': {
    icon: { name: 'plug', color: 'charts.blue' },
    meaning: "This is not the guest's memory: accesses are emulated as a device, or refused.",
  },
};

/** @param guests those of the session, with their states */
export function present(node: PageTableNode, guests: readonly GuestInfo[] = []): Presentation {
  const { label, description } = node;
  const words = [label, description].filter((text) => text !== '').join(', ');
  switch (node.kind) {
    case 'guest': {
      const note = guestNote(guests, node.guest);
      return {
        ...plain(node),
        description: [note, description].filter((text) => text !== '').join(' · '),
        icon: { name: note === 'held' ? 'lock' : 'server-environment' },
        spoken: `Guest ${[words, note].filter((text) => text !== '').join(', ')}`,
        offers: guestOffers(guests, node.guest),
        openAtFirst: true,
      };
    }
    case 'addressSpace':
      return {
        ...plain(node),
        icon: node.isCurrent ? { name: 'target', color: 'charts.yellow' } : { name: 'list-tree' },
        spoken: `Address space ${words}${node.isCurrent ? ', in use now' : ''}`,
        openAtFirst: node.isCurrent,
      };
    case 'table':
      return { ...plain(node), icon: { name: 'list-tree' }, spoken: `Table ${words}`, offers: 'gva' };
    case 'leaf': {
      const { icon, meaning } = AGREEMENTS[node.agreement];
      return {
        ...plain(node),
        icon,
        spoken: `${words}. ${meaning}`,
        offers: ['gva', node.gpa && 'gpa', node.hva && 'hva memory'].filter(Boolean).join(' '),
      };
    }
    case 'note':
      return { ...plain(node), icon: { name: 'info' } };
  }
}

/** What all kinds have in common. */
function plain({ label, description, tooltip }: PageTableNode): Presentation {
  const spoken = [label, description].filter((text) => text !== '').join(', ');
  return { label, description, tooltip, icon: { name: 'circle-small' }, spoken, offers: '', openAtFirst: false };
}
