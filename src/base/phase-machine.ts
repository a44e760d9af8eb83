/** A state machine whose transitions are a table: what the table does not list is refused. */
import { StubferryError } from './errors/index.js';

/** For each phase, the phases that may follow it. */
export type Transitions<P extends string> = Readonly<Record<P, readonly P[]>>;

export class PhaseMachine<P extends string> {
  readonly #subject: string;
  readonly #transitions: Transitions<P>;
  #phase: P;

  /** @param subject what has the phases, for messages: `transfer 6f1e...` */
  constructor(subject: string, first: P, transitions: Transitions<P>) {
    this.#subject = subject;
    this.#phase = first;
    this.#transitions = transitions;
  }

  get phase(): P {
    return this.#phase;
  }

  isIn(...phases: readonly P[]): boolean {
    return phases.includes(this.#phase);
  }

  canEnter(phase: P): boolean {
    return this.#transitions[this.#phase].includes(phase);
  }

  /** @throws StubferryError INTERNAL for a transition that the table does not list */
  enter(phase: P): void {
    if (!this.canEnter(phase)) {
      throw new StubferryError('INTERNAL', `${this.#subject} cannot become ${phase}`, {
        expected: this.#transitions[this.#phase].join(' or ') || 'no further phase',
        found: `${this.#phase} -> ${phase}`,
      });
    }
    this.#phase = phase;
  }
}
