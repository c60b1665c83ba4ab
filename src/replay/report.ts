/** The outcome of each item of a replay, and the changes that lifting makes to its payload. Computed on request, so no payload is kept for it. */
import { isDeepStrictEqual } from "node:util";
import type { Catalog, FailureText } from "../catalog/catalog.ts";
import { type Entity, type Json, type PositionText, positionText } from "../event/event.ts";
import { parseStreamName } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import { makePageRoom } from "../log/page-bytes.ts";
import type { AskedAppend } from "../records/attempt.ts";
import type { ReplayItem } from "../records/replay-item.ts";
import type { ReplayView } from "../views/model/replay.ts";
import type { Views } from "../views/model/views.ts";
import { eventsOf, type Sample, toSample } from "./lift.ts";

export interface Difference {
  /** JSON pointer into the payload. */
  readonly path: string;
  /** Undefined where there is nothing. */
  readonly before: Json | undefined;
  readonly after: Json | undefined;
}

export interface ReportItem {
  readonly eventId: string;
  readonly handler: string;
  readonly entity: Entity;
  readonly revision: number;
  readonly position: PositionText;
  /** Null: it is not over, or was skipped. */
  readonly outcome: "succeeded" | "failed" | null;
  /** Calls of a delivery of the replay's own; null for a dead letter, whose attempts its event shows. */
  readonly attempts: number | null;
  readonly error: FailureText | null;
  readonly effects: readonly string[];
  /** What a dry run would have appended. */
  readonly appends: readonly AskedAppend[];
  /** Between the stored payload and the lifted one; null when it cannot be lifted. At most 100. */
  readonly differences: readonly Difference[] | null;
}

const maxDifferences = 100;

export async function readReport(
  { log, views, catalog }: { readonly log: EventLog; readonly views: Views; readonly catalog: Catalog },
  { view, tenant, from, limit }: { readonly view: ReplayView; readonly tenant: string; readonly from: number; readonly limit: number },
  itemsFrom: (from: number, limit: number) => Promise<readonly ReplayItem[]>,
): Promise<{ readonly items: readonly ReportItem[] /** Place of the first item after these; null: there is none. */; readonly next: number | null }> {
  const items = await itemsFrom(from, limit);
  const own = new Map((await views.ownOutcomes(tenant, view.replayId, from, limit)).map((outcome) => [outcome.item, outcome]));
  const report: ReportItem[] = [];
  const room = makePageRoom();
  for await (const { item, event } of eventsOf(log, tenant, items)) {
    const outcome = own.get(from + report.length);
    const { handler, lane: stream, revision } = item;
    const recorded = own.size > 0 ? undefined : await views.replayOutcome(tenant, view.replayId, { handler, stream, revision });
    const sample = event && toSample(catalog, event);
    const row: ReportItem = {
      eventId: item.eventId,
      handler: item.handler,
      entity: parseStreamName(item.lane)?.entity ?? { type: "", id: "" },
      revision: item.revision,
      position: positionText(BigInt(item.at)),
      outcome: outcome?.outcome ?? (recorded === undefined ? null : recorded === "replayed" ? "succeeded" : "failed"),
      attempts: outcome?.attempts ?? null,
      error: outcome?.error ?? null,
      effects: outcome?.effects ?? [],
      appends: outcome?.appends ?? [],
      differences: sample === undefined ? null : differencesOf(sample),
    };
    if (!room.takes(row)) return { items: report, next: from + report.length };
    report.push(row);
  }
  return { items: report, next: items.length === limit && from + limit < view.total ? from + limit : null };
}

function differencesOf({ stored, current, parts, dropped }: Sample): readonly Difference[] | null {
  if (current !== null) return differences(stored.data, current.data).slice(0, maxDifferences);
  if (parts !== null) return [{ path: "", before: stored.data, after: parts.map(({ data }) => data) }];
  return dropped === null ? null : [{ path: "", before: stored.data, after: undefined }];
}

/** What is different, member by member, in the order of the payloads. */
export function differences(before: Json | undefined, after: Json | undefined, path = ""): readonly Difference[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isRecord(before) || !isRecord(after)) return [{ path, before, after }];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => differences(own(before, name), own(after, name), `${path}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`));
}

const own = (record: { readonly [name: string]: Json }, name: string): Json | undefined => (Object.hasOwn(record, name) ? record[name] : undefined);

function isRecord(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
