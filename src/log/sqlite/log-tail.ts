import { RepriseError } from "../../errors.ts";
import { logStream } from "../../event/names.ts";
import type { LogEnd, Opened } from "./opened.ts";
import { columnsDamage, dataDamage, type EventRow, eventColumns, textOf } from "./row.ts";
import { tailSum } from "./sums.ts";

/** Position and time of the last event, even of a truncated one. The time of a damaged row does not count. */
export function readLogEnd(opened: Omit<Opened, "end">): LogEnd {
  const [lastPosition, lastRecordedAtMs] = readTail(opened);
  return { lastPosition, lastRecordedAtMs };
}

function readTail({ prepare, summed, ifReadable }: Omit<Opened, "end">): readonly [position: number, recordedAtMs: number] {
  if (!summed)
    return prepare(
      "select max(t.position, coalesce(e.position, 0)), max(t.recorded_at, coalesce(e.recorded_at, 0)) from tail t left join (select position, recorded_at from events order by position desc limit 1) e",
    ).get() as unknown as readonly [number, number];
  const position = (prepare("select coalesce(max(position), 0) from events").get() as unknown as readonly [number])[0];
  const row = ifReadable(
    () => prepare(`select ${eventColumns} from events e where e.position = ?`).get(position) as unknown as EventRow | undefined,
    undefined,
  );
  const recordedAtMs = row !== undefined && columnsDamage(row) === null ? row[8] : 0;
  const tail = ifReadable(
    () => prepare("select position, recorded_at, sum from tail").get() as unknown as readonly [number, number, number] | undefined,
    undefined,
  );
  if (tail !== undefined && tailSum(tail[0], tail[1]) === tail[2]) return tail[0] > position ? [tail[0], tail[1]] : [position, recordedAtMs];
  // Each stream's head keeps the position of an event that was truncated.
  const ofHeads = ifReadable(() => (prepare("select coalesce(max(position), 0) from heads").get() as unknown as readonly [number])[0], 0);
  return [Math.max(position, ofHeads), recordedAtMs];
}

/** @throws LOG_DAMAGED when the log does not begin with its id. */
export function readLogId({ prepare, path, columns, summed }: Pick<Opened, "prepare" | "path" | "columns" | "summed">): string {
  const row = prepare(`select ${columns} from events e join streams s on s.id = e.stream_id where e.position = 1 and s.name = ?`).get(logStream) as unknown as
    | EventRow
    | undefined;
  const data = textOf(row?.[10]);
  const whole = row !== undefined && (!summed || (columnsDamage(row) === null && dataDamage(row[12], data) === null));
  const created = whole ? (JSON.parse(data) as { readonly logId?: unknown }) : null;
  if (typeof created?.logId !== "string") throw new RepriseError("LOG_DAMAGED", `${path} is damaged: it does not begin with its id.`);
  return created.logId;
}
