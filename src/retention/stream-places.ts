/** Where each stream stands during a run. Memory is bounded: a stream that was not asked for lately is judged again from its first event. */
import { LRUCache } from "lru-cache";
import type { StoredEvent } from "../event/event.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Judge, StreamPlace } from "./what-may-go.ts";

export class StreamPlaces {
  readonly #places: LRUCache<string, StreamPlace>;
  readonly #log: Pick<EventLog, "readStream" | "streamRevision">;
  readonly #judge: Judge;

  /** @param kept streams, about 200 bytes each. */
  constructor(log: Pick<EventLog, "readStream" | "streamRevision">, judge: Judge, kept = 50_000) {
    this.#log = log;
    this.#judge = judge;
    this.#places = new LRUCache({ maxSize: kept, sizeCalculation: () => 1 }); // with `max` it takes all the room at once, which holds the thread
  }

  known(stream: string): StreamPlace | undefined {
    return this.#places.get(stream);
  }

  /** The place of a stream before its first event. */
  async begin({ stream, revision }: StoredEvent): Promise<StreamPlace> {
    return { next: revision, last: await this.#log.streamRevision(stream), why: null };
  }

  /** The place of an event's stream that is not known, with all events before this one judged. */
  async before({ stream, revision }: StoredEvent): Promise<StreamPlace> {
    const last = await this.#log.streamRevision(stream);
    const place = (await this.#begins(stream, revision)) ? { next: revision, last, why: null } : await this.#judgedBefore(stream, revision, last);
    this.#places.set(stream, place);
    return place;
  }

  /** Whether the log has nothing of the stream before a revision: as a rule earlier runs have removed it. */
  async #begins(stream: string, revision: number): Promise<boolean> {
    if (revision === 0) return true;
    for await (const batch of this.#log.readStream(stream, { from: revision - 1, direction: "backward", limit: 1, damaged: "given" }))
      return batch.length === 0;
    return true;
  }

  async #judgedBefore(stream: string, revision: number, last: number): Promise<StreamPlace> {
    let place: StreamPlace | null = null;
    for await (const batch of this.#log.readStream(stream, { damaged: "given" })) {
      for (const event of batch) {
        place ??= { next: event.revision, last, why: null };
        if (event.revision >= revision || place.why !== null) return place;
        this.#judge(event, place);
      }
    }
    return place ?? { next: revision, last, why: null };
  }
}
