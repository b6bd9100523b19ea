/** Which extensions the machine implements. A CSR or field of any other extension does not exist or reads zero. */

/** Every extension that the tables name. */
export type Extension =
  | 'I'
  | 'M'
  | 'A'
  | 'F'
  | 'D'
  | 'C'
  | 'V'
  | 'S'
  | 'U'
  | 'Zicsr'
  | 'Zifencei'
  | 'Zicntr'
  | 'Zihpm'
  | 'Zicbom'
  | 'Zicboz'
  | 'Svpbmt'
  | 'Sstc';

export const implementedExtensions: ReadonlySet<Extension> = new Set<Extension>([
  'I',
  'M',
  'A',
  'C',
  'S',
  'U',
  'Zicsr',
  'Zifencei',
  'Zicntr',
  'Zihpm',
]);

/** Whether something that needs this extension is there; what needs none always is. */
export const isImplemented = (extension: Extension | undefined): boolean =>
  extension === undefined || implementedExtensions.has(extension);

/** The letters of misa: one bit for each implemented single-letter extension, A being bit 0 (Privileged 3.1.1). */
export const misaLetters: number = [...implementedExtensions]
  .filter((extension) => extension.length === 1)
  .reduce((bits, letter) => bits | (1 << (letter.charCodeAt(0) - 'A'.charCodeAt(0))), 0);
