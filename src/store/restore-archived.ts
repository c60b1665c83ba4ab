import { RepriseError } from "../errors.ts";
import { type Entity, type PositionText, positionText } from "../event/event.ts";
import type { NewId } from "../event/ids.ts";
import { streamName } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Archive } from "../retention/archive/archive.ts";
import type { Archives } from "../retention/archive/archives.ts";
import { type Restored, restore } from "../retention/archive/restore.ts";
import { type ActOptions, actOf, callerOf } from "./caller.ts";

export interface RestoreResult {
  /**
   * `in_place`: in their own streams, as they were, because no handler has ever worked on this log. `beside`: in streams of Reprise's own, and reads show them in
   * their places.
   */
  readonly how: "in_place" | "beside";
  readonly streams: number;
  readonly events: number;
  /** The log had them already. */
  readonly present: number;
  /** Of the record. */
  readonly position: PositionText;
}

export interface RestoreActs {
  /**
   * Brings an entity, or all of a segment, back into the log, under its own ids and revisions. Nothing is delivered: the events stand beside their streams,
   * and reads show them in their places.
   *
   * @throws NOT_FOUND, ARCHIVE_UNAVAILABLE, ARCHIVE_DAMAGED
   */
  restoreArchived(what: { readonly entity: Entity } | { readonly segment: string }, options?: ActOptions): Promise<RestoreResult>;
}

export interface RestoreActNeeds {
  readonly log: EventLog;
  readonly archives: Archives;
  readonly newId: NewId;
}

export function makeRestoreActs({ log, archives, newId }: RestoreActNeeds): RestoreActs {
  return {
    async restoreArchived(what, options = {}) {
      const wanted = "segment" in what ? what : { stream: streamName(callerOf(options).tenant, what.entity) };
      let last: Restored | null = null;
      for (const archive of await holding(archives, wanted)) last = sum(last, await restore({ log, archive, newId, act: actOf(options) }, wanted));
      if (last === null) throw new RepriseError("NOT_FOUND", "No archive of this log has that.");
      return { ...last, position: positionText(last.position) };
    },
  };
}

/** The archives that have some of it. */
async function holding(archives: Archives, what: { readonly segment: string } | { readonly stream: string }): Promise<readonly Archive[]> {
  const found: Archive[] = [];
  for (const archive of await archives.all()) {
    const has = "segment" in what ? (await archive.segments()).some(({ name }) => name === what.segment) : (await archive.segmentsOf(what.stream)).length > 0;
    if (has) found.push(archive);
  }
  return found;
}

function sum(before: Restored | null, now: Restored): Restored {
  if (before === null) return now;
  return { ...now, streams: Math.max(before.streams, now.streams), events: before.events + now.events, present: before.present + now.present };
}
