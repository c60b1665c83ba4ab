/**
 * An entity's events, by the links between them: the view has no index by entity and revision, whose pages each entity would have for itself
 * (docs/performance-limits.md). A link followed costs 0.7 µs, finding one event by its revision 15 µs.
 */

/**
 * A table for a join behind others: `value` is the position of each event of an entity from one revision to another, both included, in no order.
 *
 * @param entity, low, high SQL without parameters, such as columns of the tables before it.
 */
export function positionsBetween(entity: string, low: string, high: string): string {
  // The names of tables in here must not be those around it, which `entity` may mean.
  return `json_each((
    with recursive walk(position, revision, previous) as (
      select ev.position, ev.revision, ev.previous from events ev where ev.position = coalesce(
        (select mark.position from event_marks mark where mark.entity = ${entity} and mark.revision >= ${high} order by mark.revision limit 1),
        (select owner.position from entities owner where owner.id = ${entity}))
      union all select ev.position, ev.revision, ev.previous from walk later cross join events ev on ev.position = later.previous where later.revision > ${low}
    )
    select json_group_array(position) from walk where revision >= ${low} and revision <= ${high}))`;
}

/**
 * Begins a select from `walk`, whose `position`s are those of some entities' events, newest first. Where it ends early, the rest is not walked.
 * Some of the first may be above the bound. Parameters: the entities as a JSON list, and twice the bound: an exclusive upper position.
 */
export const newestFirst = `with recursive walk(position, previous) as (
    select h.position, h.previous from json_each(?) k cross join events h on h.position = coalesce(
      (select n.position from entities n where n.id = k.value and n.position < ?),
      (select m.position from event_marks m where m.entity = k.value and m.position >= ? order by m.revision limit 1),
      (select n.position from entities n where n.id = k.value))
    union all select h.position, h.previous from walk w cross join events h on h.position = w.previous
    order by 1 desc
  )`;
