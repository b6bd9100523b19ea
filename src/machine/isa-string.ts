import type { Extension } from '../isa/extensions';

/** An instruction set as device trees write it: `rv64imafdc_zicsr_zifencei`. */
export function isaString(extensions: ReadonlySet<Extension>): string {
  const names = [...extensions];
  const letters = [...'IMAFDC'].filter((letter) => names.some((name) => name === letter)).join('');
  const others = names.filter((name) => name.length > 1);
  return ['rv64' + letters, ...others].join('_').toLowerCase();
}
