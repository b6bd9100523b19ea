/** The numbers by which a client refers to frames and to values with children, until execution goes on. */
import { DebuggerError } from '../debugger/errors';
import type { Frame } from '../debugger/stack';
import type { Children, ValueNode } from '../debugger/values/value-node';

/** Elements given at once, whatever the client asks for. */
export const MOST_CHILDREN = 10_000;

/** Children behind a variables reference, and the frame that they belong to. */
export interface VariablesContainer {
  readonly children: Children;
  readonly frame: Frame | undefined;
}

export class References {
  private frames: Frame[] = [];
  private containers: VariablesContainer[] = [];
  /** Ids are never used twice, so that an old one is noticed. */
  private firstFrame = 1;
  private firstContainer = 1;

  /** Execution goes on: what was handed out is void. */
  clear(): void {
    this.firstFrame += this.frames.length;
    this.firstContainer += this.containers.length;
    this.frames = [];
    this.containers = [];
  }

  addFrame(frame: Frame): number {
    this.frames.push(frame);
    return this.firstFrame + this.frames.length - 1;
  }

  frame(id: number): Frame | undefined {
    return this.frames[id - this.firstFrame];
  }

  add(children: Children, frame: Frame | undefined): number {
    this.containers.push({ children, frame });
    return this.firstContainer + this.containers.length - 1;
  }

  /** @throws DebuggerError when the id is of an earlier stop */
  container(id: number): VariablesContainer {
    const found = this.containers[id - this.firstContainer];
    if (!found) throw new DebuggerError('The value is no longer there: execution went on.');
    return found;
  }

  /** One value in a container. Named children are few; an element of an array says its index. @throws DebuggerError */
  child(id: number, name: string): { readonly node: ValueNode; readonly frame: Frame | undefined } {
    const { children, frame } = this.container(id);
    const index = children.indexed > 0 ? /^\[(\d+)\]$/.exec(name)?.[1] : undefined;
    const node =
      index === undefined
        ? children.list(0, MOST_CHILDREN).find((child) => child.name === name)
        : children.list(Number(index), 1)[0];
    if (!node) throw new DebuggerError(`There is no "${name}" here.`);
    return { node, frame };
  }
}
