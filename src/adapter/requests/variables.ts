/** variables, setVariable, evaluate, setExpression, completions. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { DebuggerError } from '../../debugger/errors';
import { completionsFor } from '../../debugger/inspection/completions';
import type { Completion } from '../../debugger/inspection/completions';
import { runCommand } from '../../debugger/inspection/console-commands';
import { assignInFrame, evaluateInFrame, numberInFrame } from '../../debugger/inspection/evaluate-in-frame';
import type { Frame } from '../../debugger/stack';
import type { ValueNode } from '../../debugger/values/value-node';
import type { Connection } from '../connection';
import { formatReference } from '../memory-reference';
import { MOST_CHILDREN } from '../references';
import type { RequestHandlers } from '../request-handlers';

export const variablesRequests = {
  variables(connection, { variablesReference, filter, start = 0, count }) {
    const { children, frame } = connection.references.container(variablesReference);
    const isIndexed = children.indexed > 0;
    if (filter === (isIndexed ? 'named' : 'indexed')) return { variables: [] };
    const wanted = count && count > 0 ? Math.min(count, MOST_CHILDREN) : MOST_CHILDREN;
    const nodes = children.list(start, wanted);
    return { variables: nodes.map((node) => variableOf(connection, frame, node)) };
  },

  setVariable(connection, { variablesReference, name, value }) {
    const find = () => connection.references.child(variablesReference, name);
    const { node, frame } = find();
    if (!node.set) throw new DebuggerError(`"${name}" cannot be changed.`);
    node.set(numberInFrame(connection.session, frame, value));
    connection.changed();
    return shown(connection, frame, find().node);
  },

  evaluate(connection, { expression, frameId, context, format }) {
    const frame = connection.optionalFrame(frameId);
    const { session } = connection;
    const answer = context === 'repl' ? runCommand(session, frame, expression) : undefined;
    if (answer !== undefined) return { result: answer, variablesReference: 0 };
    const node = evaluateInFrame(session, frame, expression, connection.presentation(format));
    const { value, ...rest } = shown(connection, frame, node);
    return { result: value, ...rest };
  },

  setExpression(connection, { expression, value, frameId, format }) {
    const frame = connection.optionalFrame(frameId);
    const node = assignInFrame(connection.session, frame, expression, value, connection.presentation(format));
    connection.changed();
    return shown(connection, frame, node);
  },

  completions(connection, { text, column, frameId }) {
    const before = text.slice(0, Math.max(0, connection.conventions.columnFromClient(column) - 1));
    const word = /\$?[A-Za-z_][A-Za-z0-9_:]*$|\$$/.exec(before)?.[0] ?? '';
    const length = word.replace(/^\$/, '').length;
    const start = connection.conventions.columnToClient(before.length - length + 1);
    const found = completionsFor(connection.session, connection.optionalFrame(frameId), word);
    return { targets: found.map((completion) => completionItem(completion, start, length)) };
  },
} satisfies Partial<RequestHandlers>;

interface ShownValue {
  value: string;
  type?: string;
  variablesReference: number;
  indexedVariables?: number;
  namedVariables?: number;
  memoryReference?: string;
}

function shown(connection: Connection, frame: Frame | undefined, node: ValueNode): ShownValue {
  const { children } = node;
  return {
    value: node.text,
    ...(node.type === undefined ? {} : { type: node.type }),
    variablesReference: children ? connection.references.add(children, frame) : 0,
    ...(children && children.indexed > 0 ? { indexedVariables: children.indexed, namedVariables: 0 } : {}),
    ...(node.address === undefined ? {} : { memoryReference: formatReference(node.address, node.storage?.space) }),
  };
}

function variableOf(connection: Connection, frame: Frame | undefined, node: ValueNode): DebugProtocol.Variable {
  return {
    name: node.name,
    ...shown(connection, frame, node),
    ...(node.expression === undefined ? {} : { evaluateName: node.expression }),
    ...(node.set ? {} : { presentationHint: { attributes: ['readOnly'] } }),
  };
}

const COMPLETION_TYPES: Readonly<Record<Completion['kind'], DebugProtocol.CompletionItemType>> = {
  command: 'keyword',
  variable: 'variable',
  register: 'value',
  field: 'field',
  function: 'function',
};

function completionItem({ text, kind }: Completion, start: number, length: number): DebugProtocol.CompletionItem {
  return { label: text, type: COMPLETION_TYPES[kind], start, length };
}
