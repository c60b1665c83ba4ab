import { entityOf } from "../entity-keys.ts";
import type { Projection } from "../projection.ts";

/** Who gave a dead letter other data, when and why. The data itself stays in the journal: it may be large. The newest one is in force while the letter is. */
export const amendments: Projection<"journal"> = {
  takes: ["journal"],
  tables: `
    -- journal, journal_revision and position: of the journal's entry.
    create table amendments(
      entity integer not null, revision integer not null, handler text not null, position integer not null, journal text not null, journal_revision integer not null,
      at text not null, actor text not null, reason text, migration text, replay_id text, primary key (entity, revision, handler, position)
    ) strict, without rowid;
  `,
  apply({ db }, input) {
    if (input.entry.type !== "delivery.amended") return;
    const { handler, event, entry } = input;
    const { lane, revision, act } = entry.data;
    db.run(
      `insert into amendments(entity, revision, handler, position, journal, journal_revision, at, actor, reason, migration, replay_id)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      entityOf(db, lane).id,
      revision,
      handler,
      Number(event.position),
      event.stream,
      event.revision,
      event.recordedAt,
      act.actor,
      act.reason,
      act.migration ?? null,
      act.replayId ?? null,
    );
  },
};
