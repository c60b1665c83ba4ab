/** The place of one append among those that are being checked. */
export interface Place {
  /** When the appends before this one were handed to the log, or have left the queue; null when they have. */
  before(): Promise<void> | null;
  leave(): void;
}

/**
 * Appends that nobody awaits reach the log in the order of the calls, although the check of a large one lets others run. An append whose ids have to
 * be looked up leaves its place, so that the others do not wait for a reading of the log. A promise is made only for one that has to wait.
 */
export function makeQueue(): () => Place {
  let first: QueuePlace | null = null;
  let last: QueuePlace | null = null;
  const advance = (): void => {
    for (; first !== null; first = first.next) {
      first.reach();
      if (!first.hasLeft) return;
    }
    last = null;
  };
  return () => {
    const place = new QueuePlace(advance);
    if (last === null) first = place;
    else last.next = place;
    last = place;
    advance();
    return place;
  };
}

class QueuePlace implements Place {
  next: QueuePlace | null = null;
  hasLeft = false;
  /** All before it have left. */
  #isReached = false;
  #wake: (() => void) | null = null;
  readonly #advance: () => void;

  constructor(advance: () => void) {
    this.#advance = advance;
  }

  reach(): void {
    this.#isReached = true;
    this.#wake?.();
  }

  before(): Promise<void> | null {
    return this.#isReached ? null : new Promise((resolve) => (this.#wake = resolve));
  }

  leave(): void {
    if (this.hasLeft) return;
    this.hasLeft = true;
    this.#advance();
  }
}
