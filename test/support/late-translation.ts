/** A translation service whose answers come when a test wants them, in any order, or never. */
import type {
  TranslationAnswer,
  TranslationChannel,
  TranslationReceiver,
  TranslationRequest,
  TranslationService,
  TranslationSetup,
} from '../../src/engine/translator/translation-service';
import { TranslationWorker } from '../../src/engine/translator/translation-worker';
import type { Random } from './random';

export class LateTranslation implements TranslationService {
  /** What has not arrived yet. */
  readonly answers: TranslationAnswer[] = [];
  /** All requests so far. */
  readonly asked: TranslationRequest[] = [];
  private readonly requests: TranslationRequest[] = [];
  private worker: TranslationWorker | undefined;
  private receiver: TranslationReceiver | undefined;

  open(setup: TranslationSetup, receiver: TranslationReceiver): TranslationChannel {
    this.receiver = receiver;
    this.worker = new TranslationWorker(structuredClone(setup), (answer) => this.answers.push(answer));
    return {
      accepts: () => true,
      post: (request, transfer) => {
        this.requests.push(structuredClone(request, { transfer: [...transfer] }));
        this.asked.push(request);
      },
    };
  }

  /** The worker takes all requests, and does what it can. */
  work(): void {
    for (const request of this.requests.splice(0)) this.worker!.add(request);
    while (this.worker?.work());
  }

  /** An answer arrives; which one, is left to chance. */
  deliver(random: Random): void {
    const [answer] = this.answers.splice(random.below(Math.max(1, this.answers.length)), 1);
    if (answer) this.receiver!.receive(answer);
  }

  /** All that is asked for arrives, in order. */
  finish(): void {
    do {
      this.work();
      for (const answer of this.answers.splice(0)) this.receiver!.receive(answer);
    } while (this.requests.length > 0);
  }

  /** The worker is gone. */
  fail(): void {
    this.answers.length = this.requests.length = 0;
    this.receiver?.fail();
  }

  /** Something of all that, or nothing. */
  something(random: Random): void {
    const choice = random.below(6);
    if (choice < 2) this.work();
    else if (choice < 4) this.deliver(random);
    else if (choice === 4) this.finish();
  }
}
