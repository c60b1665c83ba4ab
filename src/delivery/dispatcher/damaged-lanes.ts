/** Lanes of a handler that stand still at a damaged record of the log, and where it is. */
import type { DeliveryLogger } from "../delivery-logger.ts";

const keptDamage = 1000;

export class DamagedLanes {
  readonly #handler: string;
  readonly #logger: DeliveryLogger;
  readonly #places = new Map<string, string>();

  constructor(handler: string, logger: DeliveryLogger) {
    this.#handler = handler;
    this.#logger = logger;
  }

  /** By stream. */
  get places(): ReadonlyMap<string, string> {
    return this.#places;
  }

  note(stream: string, place: string): void {
    if (this.#places.size < keptDamage) this.#places.set(stream, place);
    this.#logger.error({ handler: this.#handler, place }, "the log is damaged: this entity stands still for the handler");
  }
}
