/**
 * A page of events on its way to another thread: one text and some numbers, because a text is copied in one go, where objects are made one by one, and one
 * JSON of all data is parsed in two thirds of the time that its parts take. What `JSON.parse` makes has texts of its own, so an event does not keep its page.
 */
import { toIso } from "../../../event/clock.ts";
import type { EventMetadata, Json, StoredEvent } from "../../../event/event.ts";
import { freezeDeep } from "../../../event/freeze-deep.ts";
import type { EventRow } from "../row.ts";
import type { StreamNames } from "../stream-names.ts";

export interface PackedPage {
  /** All positions beyond `after`, up to `reached`, have been looked at. */
  readonly after: number;
  readonly reached: number;
  /** Characters of data and metadata. */
  readonly bytes: number;
  /** Of each event its position, stream, revision and version, and the places of its texts. */
  readonly numbers: Float64Array<ArrayBuffer>;
  /** JSON of `[texts, ids, metadata, data]`. Events share texts and metadata; the JSON of metadata and data is as it was stored. */
  readonly json: string;
}

const numbersOfEvent = 9;

export class PagePacker {
  readonly #numbers: number[] = [];
  readonly #texts = new Map<string | null, number>();
  readonly #metadata = new Map<string, number>();
  readonly #ids: string[] = [];
  readonly #data: string[] = [];

  get events(): number {
    return this.#ids.length;
  }

  /** @param data the row's data, as JSON. Both have been checked. */
  add([position, streamId, revision, id, type, schemaVersion, source, occurredAt, recordedAtMs, metadata]: EventRow, data: string): void {
    const texts = this.#texts;
    const recordedAt = toIso(recordedAtMs);
    this.#numbers.push(position, streamId, revision, schemaVersion);
    this.#numbers.push(placeOf(texts, type), placeOf(texts, source), placeOf(texts, occurredAt), placeOf(texts, recordedAt), placeOf(this.#metadata, metadata));
    this.#ids.push(id);
    this.#data.push(data);
  }

  packed(of: Omit<PackedPage, "numbers" | "json">): PackedPage {
    const list = (parts: Iterable<string>) => `[${[...parts].join(",")}]`;
    const json = list([JSON.stringify([...this.#texts.keys()]), JSON.stringify(this.#ids), list(this.#metadata.keys()), list(this.#data)]);
    return { ...of, numbers: Float64Array.from(this.#numbers), json };
  }
}

function placeOf<T>(places: Map<T, number>, value: T): number {
  let place = places.get(value);
  if (place === undefined) places.set(value, (place = places.size));
  return place;
}

type Parts = readonly [texts: readonly (string | null)[], ids: readonly string[], metadata: readonly EventMetadata[], data: readonly Json[]];

/** @returns null when a stream has lost its name. @throws when a part is no JSON. */
export function unpack({ numbers, json }: PackedPage, { nameOf }: Pick<StreamNames, "nameOf">): readonly StoredEvent[] | null {
  const [texts, ids, shared, allData] = JSON.parse(json) as Parts;
  for (const metadata of shared) freezeDeep(metadata);
  const events: StoredEvent[] = [];
  let at = 0;
  for (let place = 0; place < ids.length; place++) {
    const { stream, tenant, entity } = nameOf(numbers[at + 1]!);
    if (stream === "") return null;
    events.push({
      id: ids[place]!,
      type: texts[numbers[at + 4]!]!,
      schemaVersion: numbers[at + 3]!,
      source: texts[numbers[at + 5]!]!,
      occurredAt: texts[numbers[at + 6]!]!,
      data: allData[place]!,
      metadata: shared[numbers[at + 8]!]!,
      stream,
      tenant,
      entity,
      revision: numbers[at + 2]!,
      position: BigInt(numbers[at]!),
      recordedAt: texts[numbers[at + 7]!]!,
    });
    at += numbersOfEvent;
  }
  return allData.length === ids.length ? events : null;
}
