/** Dead letters by the million in the views of a store that is closed, made of nothing: a handler would need a quarter of an hour to fail so often. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { laneKind } from "../../src/views/projections/lane-counts.ts";

/** Errors that are told apart, the first the most frequent. */
export const seededErrors = 40;

/**
 * Each has an entity, an event and a delivery of its own. They stand at positions that the log has not reached: what asks for their
 * payloads finds none.
 */
export function seedLetters(folder: string, count: number): void {
  const db = new DatabaseSync(join(folder, "views.db"));
  const nowMs = Date.now();
  db.exec("pragma synchronous = off; pragma cache_size = -200000; begin");
  db.exec(`create temporary table n as with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count})
    select i, case when i % 3 = 0 then 'mail' else 'ledger' end as handler, case when i % 5 = 0 then 'shop' when i % 5 = 1 then 'till' end as source,
      case when i % 7 = 0 then 'terminal' else 'exhausted' end as cause, case when i % 2 = 0 then 0 else (i / 2) % ${seededErrors} end as error from n`);
  const id = (kind: string) => `printf('%08x-0000-7000-8${kind}-%012x', i, i)`;
  const at = `strftime('%Y-%m-%dT%H:%M:%fZ', (${nowMs} - 3600000.0 - ${count} + i) / 1000, 'unixepoch')`;
  db.exec(`
    insert into entities(id, stream, tenant, type, entity, revision, position, recorded_ms, hash, last_type, type_set)
      select 1000000 + i, 'default.order-m' || i, 'default', 'order', 'm' || i, 0, 10000 + i, ${nowMs} - 3600000 - ${count} + i, 0, 'order.placed', 1 from n;
    insert into type_sets select 1, 'default', '["order.placed"]', count(*) from n;
    insert into entity_types select 1000000 + i, 'order.placed', 0 from n;
    insert into events(position, entity, revision, previous, id, tenant, type, schema_version, entity_type, source, correlation_id, recorded_ms)
      select 10000 + i, 1000000 + i, 0, 0, ${id("000")}, 'default', 'order.placed', 1, 'order', source, null, ${nowMs} - 3600000 - ${count} + i from n;
    insert into deliveries(entity, revision, handler, position, event_id, delivery_id, tenant, entity_type, type, source, status, letter, attempts,
        retry_count, cause, error_type, error_message, first_failed_at, dead_lettered_at, dead_lettered_position, error_group)
      select 1000000 + i, 0, handler, 10000 + i, ${id("000")}, ${id("001")}, 'default', 'order', 'order.placed', source, 'dead_lettered', 1, 3,
        3, cause, 'Failure' || error, 'the order ' || error || ' is refused', ${at}, ${at}, 10000 + i, 'v1:' || printf('%016x', error) from n;
    insert into lanes(entity, handler, tenant, partition, next, at, detached, letters) select 1000000 + i, handler, 'default', 0, 1, 10000 + i, 1, 1 from n;
    insert into delivery_counts select handler, 'default', 'order.placed', 'dead_lettered', count(*) from n where true group by handler
      on conflict do update set deliveries = deliveries + excluded.deliveries;
    insert into lane_counts select handler, 'default', ${laneKind.letters | laneKind.detached}, count(*), 0 from n where true group by handler
      on conflict do update set lanes = lanes + excluded.lanes;
    insert into letter_counts select 'default', handler, 'order', 'order.placed', source is not null, ifnull(source, ''), cause, 'Failure' || error,
      'the order ' || error || ' is refused', 'v1:' || printf('%016x', error), count(*) from n group by handler, source, cause, error;
    insert into error_groups(tenant, handler, fingerprint, class, type, message, example, count, waiting, entities, seen, first_seen, last_seen, last_position)
      select 'default', handler, 'v1:' || printf('%016x', error), 'transient', 'Failure' || error, 'the order <*> is refused', min(${id("000")}), 3 * count(*), count(*),
        count(*), (select seen from error_groups limit 1), min(${at}), max(${at}), max(10000 + i) from n group by handler, error;
    commit; drop table n; analyze;`);
  db.close();
}
