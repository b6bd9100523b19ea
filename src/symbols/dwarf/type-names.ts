/** Names of derived types in C's notation: `struct task *`, `char *[4]`, `int (*)(void *)`. */
import type { AliasType, ArrayType, Type } from '../model';

type QualifierKind = Exclude<AliasType['kind'], 'typedef'>;

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
        if (type.target?.kind === 'array')
          return this.declare(qualifiedArray(type.kind, type.target), declarator, depth + 1);
        return `${qualifier} ${this.declare(type.target, declarator, depth + 1)}`;
      }
      default:
        return join(type.name, declarator);
    }
  }
}

/** In C a qualified array is an array of qualified elements; compilers often qualify both. */
function qualifiedArray(kind: QualifierKind, array: ArrayType): ArrayType {
  const { element, count, name, size } = array;
  if (isQualified(element, kind)) return array;
  return { kind: 'array', name, size, count, element: { kind, name: '', size: element?.size ?? 0, target: element } };
}

/** Whether a type, or for an array its element, has the qualifier. */
function isQualified(type: Type | undefined, kind: QualifierKind): boolean {
  let target = type;
  for (let depth = 0; target && depth < MAX_DEPTH; depth++) {
    if (target.kind === kind) return true;
    if (target.kind === 'array') target = target.element;
    else if (isQualifier(target)) target = target.target;
    else return false;
  }
  return false;
}

function isQualifier(type: Type): type is AliasType {
  return type.kind === 'const' || type.kind === 'volatile' || type.kind === 'restrict' || type.kind === 'atomic';
}

function join(name: string, declarator: string): string {
  return declarator === '' ? name : `${name} ${declarator}`;
}
