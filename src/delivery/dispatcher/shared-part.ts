import type { Member } from "../integrations/integration.ts";
import type { SlotShare } from "../partition/slots.ts";
import type { Pausable, PauseActs } from "./pause-acts.ts";

/** One partition's part in what it shares: the handler's slots and pause, and the integration that it calls. */
export class SharedPart {
  readonly #slots: SlotShare;
  readonly #permits: Member | null;
  readonly #unbind: () => void;

  constructor(
    { slots, permits, pauses }: { readonly slots: SlotShare; readonly permits: Member | null; readonly pauses: PauseActs },
    { hold, wake, wakeNextTurn }: Pausable & { readonly wakeNextTurn: () => void },
  ) {
    this.#slots = slots;
    this.#permits = permits;
    slots.wake = wakeNextTurn;
    if (permits !== null) permits.wake = wakeNextTurn;
    this.#unbind = pauses.bind({ hold, wake });
  }

  leave(): void {
    this.#permits?.leave();
    this.#slots.leave();
    this.#unbind();
  }
}
