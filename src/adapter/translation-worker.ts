/** The program of the worker that `translation-thread.ts` starts. What it does is a part, which V8 has compiled before. */
import { parentPort } from 'node:worker_threads';
import { becomeTranslator } from './thread-priorities';

becomeTranslator();
void import('./translation-program').then(({ serveTranslations }) => serveTranslations(parentPort!));
