/** Names of derived types in C's notation: `struct task *`, `char *[4]`, `int (*)(void *)`. */
import type { Type } from '../model';

/** Deeper types, or types that contain themselves without a name between, end in `...`. */
const MAX_DEPTH = 20;
/** Types that a name may mention, so that damaged function types cannot blow it up. */
const MAX_PARTS = 100;

/** The name of a type that has none of its own. */
export function typeName(type: Type): string {
  return new Namer().declare(type, '', 0);
}

class Namer {
  private parts = 0;

  /** A declaration of `declarator` with the type. */
  declare(type: Type | undefined, declarator: string, depth: number): string {
    if (depth > MAX_DEPTH || ++this.parts > MAX_PARTS) return `...${declarator}`;
    if (!type) return join('void', declarator);
    switch (type.kind) {
      case 'pointer': {
        const star = type.flavour === 'pointer' ? '*' : '&';
        const inner = /^[a-z]/.test(declarator) ? `${star} ${declarator}` : `${star}${declarator}`;
        const needsParentheses = type.target?.kind === 'array' || type.target?.kind === 'function';
        return this.declare(type.target, needsParentheses ? `(${inner})` : inner, depth + 1);
      }
      case 'array':
        return this.declare(type.element, `${declarator}[${type.count ?? ''}]`, depth + 1);
      case 'function': {
        const parameters = type.parameters
          .slice(0, MAX_PARTS)
          .map((parameter) => this.declare(parameter, '', depth + 1));
        return this.declare(type.result, `${declarator}(${parameters.join(', ') || 'void'})`, depth + 1);
      }
      case 'const':
      case 'volatile':
      case 'restrict':
      case 'atomic': {
        const qualifier = type.kind === 'atomic' ? '_Atomic' : type.kind;
        if (type.target?.kind === 'pointer') return this.declare(type.target, join(qualifier, declarator), depth + 1);
        const named = this.declare(type.target, declarator, depth + 1);
        // Compilers qualify an array and its elements alike; C's notation says it once.
        return type.target?.kind === 'array' && named.startsWith(`${qualifier} `) ? named : `${qualifier} ${named}`;
      }
      default:
        return join(type.name, declarator);
    }
  }
}

function join(name: string, declarator: string): string {
  return declarator === '' ? name : `${name} ${declarator}`;
}
