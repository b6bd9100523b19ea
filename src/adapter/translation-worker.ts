/** The program of the worker that `translation-thread.ts` starts. */
import { parentPort } from 'node:worker_threads';
import type { TranslationAnswer } from '../engine/translator/translation-service';
import { TranslationWorker } from '../engine/translator/translation-worker';
import { compileEagerly } from './host-features';
import { becomeTranslator } from './thread-priorities';
import type { FromWorker, ToWorker } from './translation-thread';

const machines = new Map<number, TranslationWorker>();
let isScheduled = false;

/** After the messages that have arrived: what waits is translated together. */
function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(() => {
    isScheduled = false;
    const left = [...machines.values()].map((machine) => machine.work());
    if (left.includes(true)) schedule();
  });
}

const say = (message: FromWorker): void => parentPort!.postMessage(message);

parentPort!.on('message', (messages: readonly ToWorker[]) => messages.forEach(take));

function take(message: ToWorker): void {
  const { kind, machine } = message;
  if (kind === 'open') {
    compileEagerly();
    const answer = (answer: TranslationAnswer) => say({ machine, answer });
    machines.set(machine, new TranslationWorker(message.setup, answer));
  } else if (kind === 'request') {
    machines.get(machine)?.add(message.request);
    schedule();
  } else {
    machines.delete(machine);
  }
}

becomeTranslator();
say('ready');
