import { systemClock } from "../event/clock.ts";
import { durationMs } from "./duration.ts";
import { usage } from "./exit.ts";

/**
 * A time as flags take it: RFC 3339, which the service reads, or how long ago (`90s`, `30m`, `1.5h`, `7d`), which becomes RFC 3339 here, so that every
 * page of a list, and the record of an act, has one and the same moment.
 */
export function instantOf(flag: string, text: string, nowMs: number = systemClock.now()): string {
  const ago = durationMs(text);
  if (ago !== null) return new Date(Math.max(0, nowMs - ago)).toISOString();
  if (/^\d{4}-/.test(text)) return text;
  throw usage(`${flag} is ${JSON.stringify(text)}: write an RFC 3339 time such as 2026-01-31T12:00:00Z, or how long ago: 90s, 30m, 1h, 7d.`);
}

/** A time to come: RFC 3339, or how long from now. */
export function laterInstant(flag: string, text: string, nowMs: number = systemClock.now()): string {
  const from = durationMs(text);
  if (from !== null) return new Date(nowMs + Math.min(from, maxLaterMs)).toISOString();
  if (/^\d{4}-/.test(text)) return text;
  throw usage(`${flag} is ${JSON.stringify(text)}: write an RFC 3339 time such as 2027-01-31T12:00:00Z, or how long from now: 30m, 12h, 7d.`);
}

/** A year of more than four digits is no RFC 3339 time. */
const maxLaterMs = 1000 * 366 * 86_400_000;
