/** Counts one failure in its error group. */
import { policyActor } from "../../event/names.ts";
import { commonMessage, type Failure, fingerprintOf, otherFailures } from "../../records/fingerprint/fingerprint.ts";
import type { ViewDatabase } from "../database.ts";
import type { Folding } from "../projection.ts";
import type { At } from "./delivery-row.ts";
import { hasRoom } from "./error-group-room.ts";

export interface FailedCall {
  readonly tenant: string;
  /** Its row. */
  readonly entity: number;
  readonly eventId: string;
  /** As it is stored; empty for an event that the log no longer has. */
  readonly type: string;
  readonly eventPosition: number;
  /** As the journal has it; null: it does not say, and only the log does. */
  readonly schemaVersion: number | null;
  readonly failure: Failure & { readonly fingerprint?: string };
}

interface GroupRow {
  readonly id: number;
  readonly seen: string;
  readonly state: string;
  readonly fixed_in: string | null;
  readonly fixed_at: number | null;
}

/** What a group was seen with. The newest stand last. */
export interface Seen {
  readonly types: readonly string[];
  readonly versions: readonly number[];
  readonly builds: readonly string[];
  /** How many older ones of each are not listed any more. */
  readonly out: readonly [types: number, versions: number, builds: number];
}

const listed = 50;
/** Of a histogram: hours in which there were failures. */
export const keptHours = 168;

/** @returns the fingerprint of the group that the failure is in. */
export function countFailure(folding: Folding, at: At, call: FailedCall): string {
  const { db } = folding;
  const fingerprint = call.failure.fingerprint ?? fingerprintOf(at.handler, call.failure);
  const known = find(db, at, call, fingerprint);
  if (known !== undefined) return update(db, at, call, { fingerprint, known });
  const hasOwn = hasRoom(folding, call.tenant, at);
  const group = hasOwn ? fingerprint : otherFailures(at.handler);
  const other = hasOwn ? undefined : find(db, at, call, group);
  return other === undefined ? insert(db, at, call, { fingerprint: group, hasOwn }) : update(db, at, call, { fingerprint: group, known: other });
}

function find(db: ViewDatabase, { handler }: At, { tenant }: FailedCall, fingerprint: string): GroupRow | undefined {
  return db.get<GroupRow>(
    "select id, seen, state, fixed_in, fixed_at from error_groups where tenant = ? and fingerprint = ? and handler = ?",
    tenant,
    fingerprint,
    handler,
  );
}

function insert(db: ViewDatabase, at: At, call: FailedCall, { fingerprint, hasOwn }: { readonly fingerprint: string; readonly hasOwn: boolean }): string {
  const { failure } = call;
  const common = hasOwn
    ? { class: failure.class, type: failure.error?.type ?? "", message: commonMessage(failure) }
    : {
        class: null,
        type: "OtherErrors",
        message: "the handler has too many error groups, so that new ones are counted here: let its `fingerprint` tell fewer apart",
      };
  const id = db.insert(
    `insert into error_groups(tenant, handler, fingerprint, class, type, message, example, count, entities, seen, first_seen, last_seen, last_position)
     values (?, ?, ?, ?, ?, ?, ?, 1, 1, ?, ?, ?, ?)`,
    call.tenant,
    at.handler,
    fingerprint,
    common.class,
    common.type,
    common.message,
    call.eventId,
    JSON.stringify(seenWith({ types: [], versions: [], builds: [], out: [0, 0, 0] }, newsOf(db, at, call))),
    at.recordedAt,
    at.recordedAt,
    at.position,
  )!;
  db.run("insert into error_group_entities(group_id, entity) values (?, ?)", id, call.entity);
  countHour(db, at, id);
  return fingerprint;
}

function update(db: ViewDatabase, at: At, call: FailedCall, { fingerprint, known }: { readonly fingerprint: string; readonly known: GroupRow }): string {
  const { id } = known;
  const news = newsOf(db, at, call);
  const isNewEntity = db.run("insert into error_group_entities(group_id, entity) values (?, ?) on conflict do nothing", id, call.entity);
  const before = JSON.parse(known.seen) as Seen;
  const seen = seenWith(before, news);
  db.run(
    "update error_groups set count = count + 1, entities = entities + ?, example = ?, last_seen = ?, last_position = ? where id = ?",
    isNewEntity,
    call.eventId,
    at.recordedAt,
    at.position,
    id,
  );
  if (seen !== before) db.run("update error_groups set seen = ? where id = ?", JSON.stringify(seen), id);
  if (known.state === "resolved" && comesBack(db, known, news.build))
    db.run(
      "update error_groups set state = 'open', state_by = ?, state_reason = ?, state_at = ?, fixed_in = null, fixed_at = null where id = ?",
      policyActor,
      news.build === null ? "seen again" : `seen again in build ${news.build}`,
      at.recordedAt,
      id,
    );
  countHour(db, at, id);
  return fingerprint;
}

/** Whether a failure says that the group is not mended: any does, but of those before the build that mends it. */
function comesBack(db: ViewDatabase, { fixed_in: fixedIn, fixed_at: fixedAt }: GroupRow, build: string | null): boolean {
  if (fixedIn === null || build === null || build === fixedIn) return true;
  const first = (name: string) => db.get<{ position: number }>("select position from builds where build = ?", name)?.position;
  return first(build)! > (first(fixedIn) ?? fixedAt!);
}

interface News {
  readonly type: string;
  readonly version: number | null;
  readonly build: string | null;
}

function newsOf(db: ViewDatabase, { journal }: At, { type, eventPosition, schemaVersion }: FailedCall): News {
  const event = db.get<{ version: number }>("select schema_version as version from events where position = ?", eventPosition);
  const build = db.get<{ build: string }>("select build from journal_builds where journal = ?", journal);
  return { type, version: event?.version ?? schemaVersion, build: build?.build ?? null };
}

/** The same object when nothing is new. */
function seenWith(seen: Seen, { type, version, build }: News): Seen {
  const { types, versions, builds, out } = seen;
  const isKnown = (type === "" || types.includes(type)) && (version === null || versions.includes(version)) && (build === null || builds.includes(build));
  if (isKnown) return seen;
  const [all, allVersions, allBuilds] = [withOne(types, type === "" ? null : type), withOne(versions, version), withOne(builds, build)] as const;
  return {
    ...{ types: all.list, versions: allVersions.list, builds: allBuilds.list },
    out: [out[0] + all.out, out[1] + allVersions.out, out[2] + allBuilds.out],
  };
}

function withOne<T>(list: readonly T[], one: T | null): { readonly list: readonly T[]; readonly out: number } {
  if (one === null || list.includes(one)) return { list, out: 0 };
  const longer = [...list, one];
  return longer.length > listed ? { list: longer.slice(1), out: 1 } : { list: longer, out: 0 };
}

function countHour(db: ViewDatabase, { recordedAt }: At, id: number): void {
  const hour = Math.floor(Date.parse(recordedAt) / 3_600_000);
  const changed = db.run("update error_group_hours set failures = failures + 1 where group_id = ? and hour = ?", id, hour);
  if (changed > 0) return;
  db.run("insert into error_group_hours(group_id, hour, failures) values (?, ?, 1)", id, hour);
  db.run(
    "delete from error_group_hours where group_id = ? and hour <= (select hour from error_group_hours where group_id = ? order by hour desc limit 1 offset ?)",
    id,
    id,
    keptHours,
  );
}
