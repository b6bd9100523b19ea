/** What the fixture `harts.elf` prints on a machine with so many harts, or as a guest with so many vCPUs. */
export function hartsOutput(harts: number): string {
  const rounds = 1000;
  const lines = [
    `harts ${harts}`,
    `stopped ${harts - 1}`,
    `added ${rounds * harts}`,
    `locked ${(rounds * harts * (harts + 1)) / 2}`,
    `exchanged ${rounds * harts}`,
    'fenced 0',
    `answers ${harts - 1}`,
    `stopped ${harts - 1}`,
  ];
  return lines.map((line) => `${line}\n`).join('');
}
