import type { EventInput } from "reprise";
import { v5 } from "uuid";
import { versionsByRelease } from "./catalog.ts";
import { entityOf } from "./entity.ts";
import { type Recording, readRecordings } from "./recordings.ts";

/** The namespace of the recordings' ids. */
const recordings = "0b1d6b7a-8f0e-5c7e-9d53-5f6c1f3a2e11";

/** All recordings as events to append, oldest release first; the same ones with the same ids at each call. */
export function deliveries(): readonly EventInput[] {
  return readRecordings().map(toEvent);
}

/**
 * A delivery as an event, its payload untouched and named by the schema version that its release sends.
 *
 * Recordings lack GitHub's `X-GitHub-Delivery`, so the id is derived from the recording's place: one that comes twice is stored once.
 */
export function toEvent({ release, name, index, payload }: Recording): EventInput {
  const type = `github.${name}`;
  return {
    id: v5(`${release}/${name}/${index}`, recordings),
    type,
    schemaVersion: versionsByRelease.get(type)?.[release] ?? 1,
    entity: entityOf(payload),
    source: release,
    data: payload,
  };
}
