/** Of events that were read and whose deliveries have not ended. */
const maxBytes = 16 * 1024 * 1024;
/** Nobody knows how large these are. */
const mostReadings = 16;

/** Keeps a replay's own deliveries from holding too many bytes of events: whoever finds no room waits before its event is read. */
export class EventRoom {
  #bytes = 0;
  #readings = 0;
  readonly #waiting: (() => void)[] = [];

  /** @returns null: an event may be read now; otherwise it may when this resolves. Say `read` in any case. */
  enter(): Promise<void> | null {
    if (this.#isFull()) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#readings++;
    return null;
  }

  /** The event was read, or there is none. */
  read(bytes: number): void {
    this.#readings--;
    this.#bytes += bytes;
    this.#letIn();
  }

  /** It is needed no more. */
  leave(bytes: number): void {
    this.#bytes -= bytes;
    this.#letIn();
  }

  #isFull(): boolean {
    return this.#bytes >= maxBytes || this.#readings >= mostReadings;
  }

  #letIn(): void {
    while (this.#waiting.length > 0 && !this.#isFull()) {
      this.#readings++;
      this.#waiting.shift()!();
    }
  }
}
