/** The ports that a network opens between a guest and the host's loopback, as the user writes them. */
import { choice, ConfigurationError, integer, list, record, text } from './fields';
import type { Field, Parsed } from './fields';

export type TransportProtocol = 'tcp' | 'udp';

/** A port of the host's loopback that leads to the guest. */
export interface ForwardConfiguration {
  readonly host: number;
  readonly guest: number;
  readonly protocol?: TransportProtocol;
}

/** A port of the gateway that leads to the host's loopback. */
export interface ReachConfiguration {
  readonly host: number;
  readonly gateway?: number;
  readonly protocol?: TransportProtocol;
}

export interface NetworkConfiguration {
  readonly lan?: string;
  readonly forward?: readonly ForwardConfiguration[];
  readonly reach?: readonly ReachConfiguration[];
}

type TableOf<T> = { readonly [K in keyof T]-?: Field<unknown, unknown> };

const HIGHEST_PORT = 65_535;

const port = (description: string) => integer<number>({ description, required: true, least: 1, most: HIGHEST_PORT });
const protocol = choice<TransportProtocol>({
  description: 'The protocol whose port is meant.',
  choices: { tcp: 'Connections.', udp: 'Datagrams.' },
  default: 'tcp',
});

const FORWARD_FIELDS = {
  host: port('Port on 127.0.0.1 of this machine.'),
  guest: port('Port of the guest that it leads to.'),
  protocol,
} satisfies TableOf<ForwardConfiguration>;

const REACH_FIELDS = {
  host: port('Port on the loopback of this machine.'),
  gateway: integer({
    description: 'Port at the gateway, 10.0.2.2, that leads to it. Without it: the same number.',
    least: 1,
    most: HIGHEST_PORT,
  }),
  protocol,
} satisfies TableOf<ReachConfiguration>;

const NETWORK_FIELDS = {
  lan: text({
    description:
      'Name of a network between guests: guests that name the same one reach each other. Without it the guest is alone with its gateway.',
  }),
  forward: list({
    items: record({ fields: FORWARD_FIELDS, description: 'One port.' }),
    description: 'Ports of this machine, on its loopback only, that lead to the guest.',
  }),
  reach: list({
    items: record({ fields: REACH_FIELDS, description: 'One port.' }),
    description: "Ports of this machine's loopback that the guest reaches, at the gateway. It reaches nothing else.",
  }),
} satisfies TableOf<NetworkConfiguration>;

/** What is open, after validation. */
export interface NetworkLaunch {
  readonly lan?: string;
  readonly forward: readonly { readonly protocol: TransportProtocol; readonly host: number; readonly guest: number }[];
  readonly reach: readonly { readonly protocol: TransportProtocol; readonly gateway: number; readonly host: number }[];
}

export const networkField = record({
  fields: NETWORK_FIELDS,
  description:
    'A network card, and the ports that are open between the guest and the loopback of this machine. Nothing else is.',
});

/** @throws ConfigurationError where two rules are about the same port */
export function networkLaunch(parsed: Parsed<typeof NETWORK_FIELDS>, path: string): NetworkLaunch {
  const forward = parsed.forward ?? [];
  const reach = (parsed.reach ?? []).map(({ host, gateway = host, protocol }) => ({ host, gateway, protocol }));
  refuseTwice(forward, 'host', `${path}.forward`);
  refuseTwice(reach, 'gateway', `${path}.reach`);
  return { ...(parsed.lan !== undefined && { lan: parsed.lan }), forward, reach };
}

function refuseTwice<Name extends string>(
  rules: readonly ({ readonly protocol: TransportProtocol } & Readonly<Record<Name, number>>)[],
  name: Name,
  path: string,
): void {
  const seen = new Set<string>();
  for (const [index, rule] of rules.entries()) {
    const key = `${rule.protocol} ${rule[name]}`;
    if (seen.has(key))
      throw new ConfigurationError(`${path}[${index}].${name}`, `is ${rule[name]} a second time; leave one.`);
    seen.add(key);
  }
}
