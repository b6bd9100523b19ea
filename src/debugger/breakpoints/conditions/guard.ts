/** What stands between reaching a breakpoint and stopping there: condition, hit count, log message. */
import { DebuggerError } from '../../errors';
import { evaluateCondition } from '../../expressions/evaluate';
import type { Environment, Value } from '../../expressions/evaluate';
import { evaluate } from '../../expressions/evaluate';
import { parseExpression } from '../../expressions/syntax';
import type { Expression } from '../../expressions/syntax';
import { parseHitCondition } from './hit-count';
import { parseLogMessage } from './log-message';
import type { LogMessage } from './log-message';

/** As the user wrote them. Empty texts count as absent. */
export interface GuardOptions {
  readonly condition?: string;
  readonly hitCondition?: string;
  readonly logMessage?: string;
}

/** `stop` may carry a problem to tell: a condition that cannot be evaluated stops, so that it is noticed. */
export type Verdict =
  | { readonly kind: 'go' }
  | { readonly kind: 'stop'; readonly problem?: string }
  | { readonly kind: 'log'; readonly text: string };

/** What evaluating needs: made only when a guard has something to evaluate. */
export interface GuardContext {
  readonly environment: Environment;
  show(value: Value): string;
}

const GO: Verdict = { kind: 'go' };
const STOP: Verdict = { kind: 'stop' };

export class Guard {
  hits = 0;

  private constructor(
    private readonly condition: Expression | undefined,
    private readonly isHit: ((hits: number) => boolean) | undefined,
    private readonly log: LogMessage | undefined,
  ) {}

  /** @throws DebuggerError in one sentence when a part cannot be understood */
  static of(options: GuardOptions): Guard {
    return new Guard(
      options.condition?.trim() ? parseExpression(options.condition) : undefined,
      options.hitCondition?.trim() ? parseHitCondition(options.hitCondition) : undefined,
      options.logMessage ? parseLogMessage(options.logMessage) : undefined,
    );
  }

  /** The breakpoint was reached: what to do. Counts the hit when the condition holds. */
  decide(context: () => GuardContext): Verdict {
    if (!this.condition && !this.isHit && !this.log) {
      this.hits++;
      return STOP;
    }
    const { environment, show } = context();
    if (this.condition) {
      try {
        if (!evaluateCondition(this.condition, environment)) return GO;
      } catch (error) {
        return { kind: 'stop', problem: `The breakpoint's condition cannot be evaluated: ${messageOf(error)}` };
      }
    }
    this.hits++;
    if (this.isHit && !this.isHit(this.hits)) return GO;
    if (!this.log) return STOP;
    const text = this.log.format((expression) => {
      try {
        return show(evaluate(expression, environment));
      } catch (error) {
        return `<${messageOf(error)}>`;
      }
    });
    return { kind: 'log', text };
  }
}

function messageOf(error: unknown): string {
  if (error instanceof DebuggerError) return error.message;
  throw error;
}
