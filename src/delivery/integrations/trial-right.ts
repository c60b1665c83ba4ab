/** Who makes the next trial of an open breaker. One process alone makes it as it likes; of several whoever asked for it and was granted it. Pure. */
export class TrialRight {
  readonly #isShared: boolean;
  readonly #ended: () => void;
  #state: "none" | "granted" | "used" = "none";
  /** The process that makes the trial, when it is another one. */
  #elsewhere: string | null = null;

  /** @param ended told when a trial that was granted has said nothing about the integration, so that the next one may be another's. */
  constructor(isShared: boolean, ended: () => void) {
    this.#isShared = isShared;
    this.#ended = ended;
  }

  get isHere(): boolean {
    return !this.#isShared || this.#state !== "none";
  }

  get isElsewhere(): boolean {
    return this.#elsewhere !== null;
  }

  /** Whether it may be asked for. @param isThere whether another process still is. */
  isFree(isThere: (process: string) => boolean): boolean {
    return !this.isHere && (this.#elsewhere === null || !isThere(this.#elsewhere));
  }

  grant(): void {
    this.#state = "granted";
    this.#elsewhere = null;
  }

  use(): void {
    if (this.#isShared) this.#state = "used";
  }

  /** The trial is over, and says nothing. */
  end(): void {
    if (this.#state === "none") return;
    this.#state = "none";
    this.#ended();
  }

  /** One that was granted and has not begun is not made. */
  waive(): void {
    if (this.#state === "granted") this.end();
  }

  /** It is another process's; null: nobody's. */
  become(elsewhere: string | null): void {
    this.#state = "none";
    this.#elsewhere = elsewhere;
  }
}
