/** The place of one append among those that are being checked. */
export interface Place {
  /** When the appends before this one were handed to the log, or have left the queue; null when they have. */
  before(): Promise<void> | null;
  leave(): void;
}

/**
 * Appends of one tenant that nobody awaits reach the log in the order of the calls, although the check of a large one lets others run. Those of another tenant
 * are of other entities and wait for none of them: sixty batches that are being checked would stand before its single event. An append whose ids have to
 * be looked up leaves its place, so that the others do not wait for a reading of the log. A promise is made only for one that has to wait.
 *
 * @returns gives an append of a tenant its place. @param atOnce it reaches the log, or fails, before it returns, so it needs none where nobody waits.
 */
export function makeQueues(): (tenant: string, atOnce?: boolean) => Place {
  const queues = new Map<string, Queue>();
  return (tenant, atOnce = false) => {
    let queue = queues.get(tenant);
    if (queue === undefined && atOnce) return alone;
    if (queue === undefined) queues.set(tenant, (queue = new Queue(() => queues.delete(tenant))));
    return queue.add();
  };
}

const alone: Place = { before: () => null, leave() {} };

/** The appends of one tenant that are being checked. */
class Queue {
  #first: QueuePlace | null = null;
  #last: QueuePlace | null = null;
  readonly #onEmpty: () => void;

  constructor(onEmpty: () => void) {
    this.#onEmpty = onEmpty;
  }

  add(): Place {
    const place = new QueuePlace(() => this.#advance());
    if (this.#last === null) this.#first = place;
    else this.#last.next = place;
    this.#last = place;
    this.#advance();
    return place;
  }

  #advance(): void {
    for (let first = this.#first; first !== null; first = this.#first) {
      first.reach();
      if (!first.hasLeft) return;
      this.#first = first.next;
      first.next = null; // what has left keeps nobody: see Roster
    }
    this.#last = null;
    this.#onEmpty();
  }
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
