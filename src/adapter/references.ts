/** The numbers by which a client refers to frames and to values with children, until execution goes on. */
import type { Frame } from '../debugger/stack';
import type { Children } from '../debugger/values/value-node';

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

  container(id: number): VariablesContainer | undefined {
    return this.containers[id - this.firstContainer];
  }
}
