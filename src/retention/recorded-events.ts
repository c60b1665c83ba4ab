import type { RetentionStreamData } from "../records/retention.ts";

/** Counts the events that are on record as archived, by segment. */
export class RecordedEvents {
  readonly #counts = new Map<string, number>();

  add({ archive, segment, streams }: RetentionStreamData["retention.archived"]): void {
    const events = streams.reduce((sum, [, first, before]) => sum + before - first, this.of(archive, segment));
    this.#counts.set(`${archive}\n${segment}`, events);
  }

  of(archive: string, segment: string): number {
    return this.#counts.get(`${archive}\n${segment}`) ?? 0;
  }
}
