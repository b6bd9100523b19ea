/** What the worker that translates does with the messages that it gets. */
import type { MessagePort } from 'node:worker_threads';
import type { TranslationAnswer } from '../engine/translator/translation-service';
import { TranslationWorker } from '../engine/translator/translation-worker';
import { compileEagerly } from './host-features';
import type { FromWorker, ToWorker } from './translation-thread';

/** Also for the build, which makes the code cache. */
export { TranslationWorker };

/** Serves the thread at the other end of the port. */
export function serveTranslations(port: MessagePort): void {
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

  const say = (message: FromWorker): void => port.postMessage(message);

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

  port.on('message', (messages: readonly ToWorker[]) => messages.forEach(take));
  say('ready');
}
