import type { ErrorGroupStreamData } from "../../records/error-groups.ts";
import type { ViewDatabase } from "../database.ts";
import type { Entry, Projection } from "../projection.ts";

/**
 * Failures that are alike, with what operators said of them. `deliveries` counts the failures, because it knows which of them are news; here stand the acts,
 * and which build works on each handler.
 */
export const errorGroups: Projection<"error_groups" | "journal"> = {
  takes: ["error_groups", "journal"],
  tables: `
    -- count: failures ever; waiting: its dead letters now. last_position: of the journal's entry of the last failure, so it is of one group only.
    -- seen: event types, schema versions and builds, the newest last, as JSON. fixed_in, fixed_at: of a resolved one, the build and the act's position.
    create table error_groups(
      id integer primary key, tenant text not null, handler text not null, fingerprint text not null, class text, type text not null, message text not null,
      example text not null, count integer not null, waiting integer not null default 0, entities integer not null, seen text not null, first_seen text not null,
      last_seen text not null, last_position integer not null, state text not null default 'open', state_by text, state_reason text, state_at text, until text,
      fixed_in text, fixed_at integer
    ) strict;
    create unique index error_groups_by_fingerprint on error_groups(tenant, fingerprint, handler);
    create index error_groups_by_handler on error_groups(handler, tenant, last_position);
    create index error_groups_by_last on error_groups(tenant, last_position);
    create index error_groups_of_all on error_groups(last_position);
    create table error_group_entities(group_id integer not null, entity integer not null, primary key (group_id, entity)) strict, without rowid;
    create table error_group_hours(group_id integer not null, hour integer not null, failures integer not null, primary key (group_id, hour)) strict, without rowid;
    -- How many groups a tenant has of a handler, and the hour in which room was last made.
    create table error_group_rooms(tenant text not null, handler text not null, groups integer not null, cleared_hour integer not null default 0,
      primary key (tenant, handler)) strict, without rowid;
    -- position: of the first claim by it.
    create table builds(build text primary key, position integer not null) strict, without rowid;
    create table journal_builds(journal text primary key, build text not null) strict, without rowid;
  `,
  apply({ db }, input) {
    if (input.kind === "error_groups") acted(db, input);
    if (input.kind !== "journal" || input.entry.type !== "partition.claimed") return;
    const { build, projectBuild = build } = input.entry.data;
    db.run("insert into builds(build, position) values (?, ?) on conflict do nothing", projectBuild, Number(input.event.position));
    db.run("insert into journal_builds(journal, build) values (?, ?) on conflict do update set build = excluded.build", input.event.stream, projectBuild);
  },
};

const stateOf: Readonly<Record<keyof ErrorGroupStreamData, string>> = {
  "error_group.resolved": "resolved",
  "error_group.ignored": "ignored",
  "error_group.reopened": "open",
};

/** A group that is gone meanwhile stays gone. */
function acted(db: ViewDatabase, { entry, event }: Extract<Entry, { readonly kind: "error_groups" }>): void {
  const { tenant, fingerprint, handler, act } = entry.data;
  const state = stateOf[entry.type];
  if (state === undefined) return;
  db.run(
    `update error_groups set state = ?, state_by = ?, state_reason = ?, state_at = ?, until = ?, fixed_in = ?, fixed_at = ?
     where tenant = ? and fingerprint = ? and handler = ?`,
    state,
    act.actor,
    act.reason,
    event.recordedAt,
    entry.type === "error_group.ignored" ? entry.data.until : null,
    entry.type === "error_group.resolved" ? entry.data.build : null,
    entry.type === "error_group.resolved" ? Number(event.position) : null,
    tenant,
    fingerprint,
    handler,
  );
}
