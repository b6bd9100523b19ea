/** Runs a program in a debugging session until it ends, and times that; the session's own start is not counted. */
import { readFileSync } from 'node:fs';
import { parseElf } from '../../src/symbols/elf';
import { Session } from '../../src/debugger/session';
import { BenchError } from '../errors';
import { stopwatch } from '../stopwatch';

const MEMORY_BYTES = 256 << 20;

/**
 * @param prepare called before the start, to set breakpoints
 * @returns seconds of processor time
 * @throws BenchError when the program stops, or ends with a failure
 */
export async function timeSession(image: string, prepare: (session: Session) => void): Promise<number> {
  let settle: (problem: string | undefined) => void = () => undefined;
  const ended = new Promise<string | undefined>((resolve) => (settle = resolve));
  const session = new Session(
    {
      now: () => performance.now(),
      soon: (callback) => void setImmediate(callback),
      later: (callback, milliseconds) => {
        const timer = setTimeout(callback, milliseconds);
        return () => clearTimeout(timer);
      },
    },
    {
      stopped: (stop) => settle(`stopped: ${session.explain(stop).text}`),
      ended: ({ code, text }) => settle(code === 0 ? undefined : text),
      output: () => undefined,
      log: () => undefined,
      breakpointChanged: () => undefined,
    },
  );
  const program = { path: image, bytes: new Uint8Array(readFileSync(image)) };
  session.load({ mode: 'machine', memoryBytes: MEMORY_BYTES, guests: [{ name: 'bench', program }], pacing: 'skip' });
  prepare(session);
  const seconds = stopwatch();
  session.start();
  const problem = await ended;
  const taken = seconds();
  if (problem !== undefined) throw new BenchError(`${image} did not run to its end: ${problem}`);
  await session.dispose();
  return taken;
}

/** The addresses of all symbols whose names begin so. */
export function addressesOf(image: string, prefix: string): bigint[] {
  const symbols = parseElf(new Uint8Array(readFileSync(image))).symbols();
  return symbols.filter(({ name }) => name.startsWith(prefix)).map(({ address }) => address);
}
