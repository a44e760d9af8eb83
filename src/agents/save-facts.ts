/**
 * What must be known of QEMU before it is asked for its state: asked when the guest is stopped, as a save follows in general, and has to wait
 * for nothing then.
 *
 *     toolstack  --stop-->                                   --save-->
 *     gate             --stop, query-migrate, qom-get-->             (known)
 *     QEMU                        <--stopped, its answers--                  --state-->
 */
import { assertSavable } from '../qemu/index.js';
import type { Monitor, SaveRequest } from '../qmp/index.js';
import { provenanceOf } from './saving-end.js';
import type { Provenance } from './state-to-send.js';

export interface SaveFacts {
  /** Rejects with QEMU_UNSUITED when it cannot be saved. */
  readonly savable: Promise<void>;
  readonly provenance: Promise<Provenance>;
}

export class ForeseenFacts {
  readonly #given: Provenance;
  #foreseen: (SaveFacts & { readonly monitor: Monitor }) | undefined;

  /** @param given what is known without QEMU */
  constructor(given: Provenance) {
    this.#given = given;
  }

  /** The guest is being stopped. */
  foresee(monitor: Monitor): void {
    this.#foreseen = { monitor, ...this.#ask(monitor) };
  }

  /** For one save. What was foreseen holds right behind the stop; what QEMU has not answered, as the stop took too long, is asked again. */
  of({ monitor, afterStop }: Pick<SaveRequest, 'monitor' | 'afterStop'>): SaveFacts {
    const foreseen = this.#foreseen;
    this.#foreseen = undefined;
    if (!afterStop || foreseen?.monitor !== monitor) return this.#ask(monitor);
    return heeded({
      savable: foreseen.savable.catch(() => assertSavable(monitor)),
      provenance: foreseen.provenance.catch(() => provenanceOf(monitor, this.#given)),
    });
  }

  #ask(monitor: Monitor): SaveFacts {
    return heeded({ savable: assertSavable(monitor), provenance: provenanceOf(monitor, this.#given) });
  }
}

/** One that nobody waits for any more may reject. */
function heeded(facts: SaveFacts): SaveFacts {
  facts.savable.catch(() => undefined);
  facts.provenance.catch(() => undefined);
  return facts;
}
