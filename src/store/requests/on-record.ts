/** Whether an act was done: its record in the log bears its id. So an end of the process between an act and its answer is no doubt. */
import type { Position, StoredEvent } from "../../event/event.ts";
import { ownTenant, requestStream } from "../../event/names.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { ErrorGroupStreamData } from "../../records/error-groups.ts";
import type { HandlerStreamData } from "../../records/handler.ts";
import type { IntegrationStreamData } from "../../records/integration.ts";
import type { JournalData } from "../../records/journal.ts";
import type { PlanStreamData } from "../../records/plan.ts";
import type { ReplayStreamData } from "../../records/replay.ts";
import type { ViewsStreamData } from "../../records/views.ts";
import type { CallerOptions } from "../caller.ts";

const ownRequests = requestStream("");

/**
 * The records of one act: those whose `act` has its id, and those of the replay that has it as its own. It reads what Reprise itself wrote since the act was
 * begun. Asked only of an act that comes again without an answer, and then there is little: the time from the begin to the end of the process.
 */
export async function recordsOf(log: EventLog, actId: string, after: Position, signal: AbortSignal): Promise<readonly StoredEvent[]> {
  const found: StoredEvent[] = [];
  for await (const batch of log.readAll({ after, filter: { streamPrefixes: [`${ownTenant}.`] }, signal }))
    for (const event of batch) if (!event.stream.startsWith(ownRequests) && actIdOf(event) === actId) found.push(event);
  return found;
}

interface Acted {
  readonly act?: { readonly id?: string };
  /** Of `plan.used`. */
  readonly job?: { readonly replayId?: string };
  readonly replayId?: string;
}

function actIdOf({ type, data }: StoredEvent): string | undefined {
  const { act, job, replayId } = (data ?? {}) as Acted;
  return act?.id ?? job?.replayId ?? (type === "replay.requested" ? replayId : undefined);
}

type Types = JournalData & HandlerStreamData & IntegrationStreamData & ErrorGroupStreamData & ReplayStreamData & PlanStreamData & ViewsStreamData;
export type RecordType = keyof Types;
type RecordOf<T extends RecordType> = Omit<StoredEvent, "data"> & { readonly data: Types[T] };

/** What earlier tries of the call have on record, of one type; nothing for a call that comes the first time. */
export async function recorded<T extends RecordType>({ once }: CallerOptions, type: T): Promise<readonly RecordOf<T>[]> {
  if (!once?.isAgain) return [];
  return (await once.records()).filter((event) => event.type === type) as unknown as readonly RecordOf<T>[];
}

/** Does what has one record, unless that is there. @returns position of the record. */
export async function doOnce(options: CallerOptions, type: RecordType, act: () => Promise<Position>): Promise<Position> {
  const [done] = await recorded(options, type);
  return done === undefined ? act() : done.position;
}
