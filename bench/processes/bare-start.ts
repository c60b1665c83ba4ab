/** The floor of bench/start.ts: where a handler stands and what comes next, read with node:sqlite alone. `node bare-start.ts <log.db>` */
import { DatabaseSync } from "node:sqlite";
import { journalStream } from "../../src/event/names.ts";

const db = new DatabaseSync(process.argv[2]!, { readOnly: true });
const recorded = db.prepare(
  `with recursive walk (position, previous) as (
     select position, previous from events where position = (select h.position from streams s join heads h on h.stream_id = s.id where s.name = ?)
     union all select e.position, e.previous from walk w cross join events e on e.position = w.previous
   )
   select e.data from walk w cross join events e on e.position = w.position where e.type = ? limit 1`,
);
const last = (type: string) => {
  const row = recorded.get(journalStream("worker"), type) as { readonly data: string } | undefined;
  return row === undefined ? null : (JSON.parse(row.data) as Readonly<Record<string, unknown>>);
};
last("snapshot");
const checkpoint = Number(last("progress")?.checkpoint ?? 0);
const next = db.prepare("select data from events where position > ? and type = 'order.placed' order by position limit 1").get(checkpoint);
JSON.parse((next as { readonly data: string }).data);
console.log("first event");
