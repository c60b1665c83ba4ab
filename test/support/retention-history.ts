/** Logs of a few entity types with rules for them, what may go of them by force, and what has gone. */
import { systemClock } from "../../src/event/clock.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import { isEntityStream } from "../../src/event/names.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { openArchive } from "../../src/retention/archive/open-archive.ts";
import type { RetentionRule } from "../../src/retention/retention-rule.ts";
import { anEvent, flat } from "../contract/log-events.ts";

const startMs = Date.parse("2026-01-01T00:00:00Z");
const hourMs = 3_600_000;

/** An hour passes with each append. */
export function aClock() {
  let nowMs = startMs;
  return { ...systemClock, now: () => nowMs, hours: (count: number) => void (nowMs += count * hourMs) };
}

export async function entityEvents(log: EventLog): Promise<readonly StoredEvent[]> {
  return (await flat(log.readAll())).filter(({ stream }) => isEntityStream(stream));
}

export async function archived(log: EventLog, url: string): Promise<readonly StoredEvent[]> {
  const archive = await openArchive(url, log.logId);
  const events: StoredEvent[] = [];
  for (const { name } of await archive.segments()) for await (const batch of archive.read(name)) events.push(...batch); // biome-ignore format: one line
  await archive.close();
  return events;
}

export const key = ({ stream, revision }: StoredEvent) => `${stream} ${revision}`;

/** What may go, entity by entity. */
export function byForce(events: readonly StoredEvent[], rules: readonly RetentionRule[], nowMs: number): ReadonlySet<string> {
  const goes = new Set<string>();
  for (const stream of new Set(events.map((event) => event.stream))) {
    const own = events.filter((event) => event.stream === stream);
    const rule = rules.find(({ entityType }) => entityType === own[0]!.entity.type);
    if (rule === undefined) continue;
    for (const event of own.slice(0, Math.max(0, own.length - rule.keepLast))) {
      if (nowMs - Date.parse(event.recordedAt) < rule.afterMs) break;
      goes.add(key(event));
    }
  }
  return goes;
}

const types = ["order", "chat", "trace", "other"];

export async function fill(log: EventLog, clock: ReturnType<typeof aClock>, appends: number): Promise<void> {
  for (let n = 0; n < appends; n++) {
    clock.hours(1);
    const entity = (n * 7) % 40;
    await log.append(`shop.${types[entity % 4]}-${entity}`, Array.from({ length: 1 + (n % 3) }, () => anEvent({ n })), "any"); // biome-ignore format: one line
  }
}

export const rulesIn = (folder: string): readonly RetentionRule[] => [
  { entityType: "order", afterMs: 100 * hourMs, keepLast: 0, archive: `file:${folder}/a` },
  { entityType: "chat", afterMs: 50 * hourMs, keepLast: 2, archive: `file:${folder}/a` },
  { entityType: "trace", afterMs: hourMs, keepLast: 0, archive: `file:${folder}/b` },
];
