/** The assembler, for tests and small programs: single instructions, and programs with labels and data. */
export type { AssembledInstruction } from './assemble-instruction';
export { assemble } from './assemble-instruction';
export type { Program } from './assemble-program';
export { assembleProgram, assembleSource } from './assemble-program';
export { AssemblyError } from './operand-reader';
