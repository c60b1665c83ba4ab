/** How long a receiver asks to be left alone, as the headers of its answer say. Pure: anything may stand in them. */
import { maxRetryAfterMs } from "../policy/waits.ts";

export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** A number of at least this is a time in milliseconds since 1970, not a time span: it would be 31,000 years. */
const epochMsFrom = 1e12;
/** A number of at least this is a time in seconds since 1970: it would be 31 years. */
const epochSecondsFrom = 1e9;

/**
 * What the receiver's own words for "not before" say, the first of these headers that says anything: `Retry-After` (seconds, or an HTTP date: RFC 9110 §10.2.3),
 * `RateLimit` (`t=`, draft-ietf-httpapi-ratelimit-headers), `X-RateLimit-Reset` (seconds, or a time since 1970 in seconds or milliseconds).
 *
 * Times are counted from the receiver's own `Date`, where its answer has one: clocks of two machines are not compared.
 *
 * @param nowMs our wall clock. @returns milliseconds, 0 to 24 h; null when nothing is said.
 */
export function askedWaitMs(headers: AnswerHeaders, nowMs: number): number | null {
  return retryAfterMs(headers, nowMs) ?? rateLimitMs(headers) ?? resetMs(headers, nowMs);
}

/** The same by `Retry-After` alone. Receivers send the other two with every answer, whatever it is about. */
export function retryAfterMs(headers: AnswerHeaders, nowMs: number): number | null {
  const fromMs = dateOf(headers, nowMs);
  return longest(valuesOf(headers, "retry-after").map((text) => (/^\d+$/.test(text) ? secondsOrTime(text, fromMs) : untilDate(text, fromMs))));
}

/** Of the policies that are used up, the one that lasts longest; of policies that are not, the one that is over first. */
function rateLimitMs(headers: AnswerHeaders): number | null {
  const policies = valuesOf(headers, "ratelimit")
    .join(",")
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '""') // a policy's name is free text
    .split(",")
    .map((policy) => ({ left: parameter(policy, "r"), ms: within((parameter(policy, "t") ?? Number.NaN) * 1000) }));
  const usedUp = policies.filter(({ left }) => left === null || left === 0);
  return (
    longest(usedUp.map(({ ms }) => ms)) ??
    policies.reduce<number | null>((least, { ms }) => (ms === null || (least !== null && least <= ms) ? least : ms), null)
  );
}

function resetMs(headers: AnswerHeaders, nowMs: number): number | null {
  const fromMs = dateOf(headers, nowMs);
  return longest(valuesOf(headers, "x-ratelimit-reset").map((text) => (/^\d+(\.\d+)?$/.test(text) ? secondsOrTime(text, fromMs) : null)));
}

function secondsOrTime(text: string, fromMs: number): number | null {
  const number = Number(text);
  if (number >= epochMsFrom) return within(number - fromMs);
  return within(number >= epochSecondsFrom ? number * 1000 - fromMs : number * 1000);
}

function untilDate(text: string, fromMs: number): number | null {
  const untilMs = httpDate(text);
  return untilMs === null ? null : within(untilMs - fromMs);
}

function parameter(policy: string, name: "r" | "t"): number | null {
  const digits = new RegExp(`;\\s*${name}\\s*=\\s*(\\d+)\\s*(?:;|$)`).exec(policy)?.[1];
  return digits === undefined ? null : Number(digits);
}

function within(ms: number): number | null {
  return Number.isNaN(ms) ? null : Math.min(Math.max(0, ms), maxRetryAfterMs);
}

function longest(waits: readonly (number | null)[]): number | null {
  return waits.reduce((most, ms) => (ms === null || (most !== null && most >= ms) ? most : ms), null);
}

function dateOf(headers: AnswerHeaders, nowMs: number): number {
  return httpDate(valuesOf(headers, "date")[0] ?? "") ?? nowMs;
}

/** Date.parse takes almost anything ("-5" is in 2001), so the day's name is asked for; the asctime form lacks its zone. */
function httpDate(text: string): number | null {
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return null;
  const ms = Date.parse(text.endsWith("GMT") ? text : `${text} GMT`);
  return Number.isNaN(ms) ? null : ms;
}

/** A header may come several times. */
function valuesOf(headers: AnswerHeaders, name: string): readonly string[] {
  return [headers[name] ?? []].flat().map((text) => text.trim());
}
