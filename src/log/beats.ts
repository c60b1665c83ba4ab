/** Signs of life of the processes that work on a log together. */
export interface Beats {
  /**
   * Stores a sign of life. It is not repeated, because the next one comes soon.
   *
   * @param says what others learn with it, as JSON. @returns its number, as `last` tells it. @throws LOG_UNAVAILABLE
   */
  beat(who: string, says?: unknown): Promise<number>;
  /** Grows with each sign of life; −1: there is none. @throws LOG_UNAVAILABLE */
  last(who: string): Promise<number>;
  /** The same, with what the sign says. @throws LOG_UNAVAILABLE */
  heard(who: string): Promise<Heard>;
}

export interface Heard {
  readonly number: number;
  /** As whoever stored it wrote it, maybe another build. */
  readonly says: unknown;
}
