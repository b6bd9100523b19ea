/** A name server that knows no names: it says so at once, and no program waits (RFC 1035, 4.1.1). */
import { view } from './packets';

export const NAME_PORT = 53;

const HEADER = 12;
const IS_ANSWER = 0x8000;
const OPERATION = 0x7800;
const RECURSION_DESIRED = 0x0100;
const RECURSION_AVAILABLE = 0x0080;
const NO_SUCH_NAME = 3;
const NOT_IMPLEMENTED = 4;
const LONGEST_NAME = 255;

/** The answer to a question; undefined for what is none. */
export function answerQuestion(message: Uint8Array): Uint8Array | undefined {
  if (message.length < HEADER) return undefined;
  const fields = view(message);
  const flags = fields.getUint16(2);
  if (flags & IS_ANSWER) return undefined;
  const question = fields.getUint16(4) === 1 ? questionLength(message) : 0;
  const answer = new Uint8Array(HEADER + question);
  answer.set(message.subarray(0, HEADER + question));
  const result = (flags & OPERATION) === 0 ? NO_SUCH_NAME : NOT_IMPLEMENTED;
  const kept = flags & (OPERATION | RECURSION_DESIRED);
  view(answer).setUint16(2, IS_ANSWER | RECURSION_AVAILABLE | kept | result);
  view(answer).setUint16(4, question > 0 ? 1 : 0);
  answer.fill(0, 6, HEADER);
  return answer;
}

/** Bytes of the first question, with type and class; 0 when it is damaged. */
function questionLength(message: Uint8Array): number {
  let at = HEADER;
  while (at < message.length && at - HEADER <= LONGEST_NAME && message[at] !== 0) {
    if (message[at] > 63) return 0;
    at += 1 + message[at];
  }
  const length = at + 5 - HEADER;
  return message[at] === 0 && HEADER + length <= message.length ? length : 0;
}
