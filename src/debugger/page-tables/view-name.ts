/** Names of shadow views, where vCPUs have shadow tables of their own: written one by one, and read as groups. */

/** @param vcpu its owner; absent where all vCPUs share the view, or there is but one */
export function viewName(kind: string, vcpu?: number): string {
  return vcpu === undefined ? kind : `${kind} of vCPU ${vcpu}`;
}

/**
 * Views with what is said of each; those of which the same is said are named together: `vS DAG (vCPU 0, 1)`.
 * @param said for a view's name; empty for the name alone
 */
export function groupViews(names: readonly string[], said: (name: string, index: number) => string = () => ''): string {
  const groups = new Map<string, string[]>();
  for (const [index, name] of names.entries()) {
    const [, kind = name, vcpu] = /^(.*) of vCPU ([0-9]+)$/.exec(name) ?? [];
    const text = `${kind} ${said(name, index)}`.trimEnd();
    groups.set(text, [...(groups.get(text) ?? []), ...(vcpu === undefined ? [] : [vcpu])]);
  }
  return [...groups]
    .map(([text, vcpus]) => (vcpus.length > 0 ? `${text} (vCPU ${vcpus.join(', ')})` : text))
    .join(', ');
}
