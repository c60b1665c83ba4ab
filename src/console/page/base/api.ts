/** Asks the service, which stands where this page came from, whatever prefix that has. */
import { signal } from "@preact/signals";
import { parseExact } from "./exact-json.ts";
import { place } from "./place.ts";

/** `/api/desk` of `/api/desk/console` */
const base = location.pathname.replace(/\/console\/?$/, "");
/** An answer that takes longer does not come; acts answer within 30 s. */
const maxWaitMs = 45_000;

/** Whether the service answers. `since`: in whose milliseconds it does not. */
export const connection = signal<{ readonly since: number; readonly why: string } | null>(null);
/** Whether somebody has to log in. */
export const loggedOut = signal(false);

interface ProblemBody {
  readonly code?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly remedy?: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
  readonly [member: string]: unknown;
}

/** The service said no, or said nothing. */
export class Problem extends Error {
  readonly status: number;
  readonly body: ProblemBody;
  constructor(status: number, body: ProblemBody) {
    super(body.detail ?? body.title ?? `The service answered ${status}.`);
    this.status = status;
    this.body = body;
  }
}

export type Query = Readonly<Record<string, string | number | undefined>>;

interface Asked {
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE";
  readonly query?: Query;
  /** JSON as text, so that numbers are sent as they were typed; or what becomes JSON. */
  readonly body?: string | object;
  /** The same again is done once. */
  readonly onceKey?: string;
}

export async function ask<T>(path: readonly string[], { method = "GET", query = {}, body, onceKey }: Asked = {}): Promise<T> {
  const { tenant } = place.value.query;
  const url = urlOf(path, { ...query, ...(path[0] === "console" ? {} : { tenant }) });
  const headers: Record<string, string> = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (onceKey !== undefined) headers["idempotency-key"] = onceKey;
  const answer = await send(url, { method, headers, ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }) });
  const value = await read(answer, method === "GET" ? url : null);
  if (answer.status === 503 && (value as ProblemBody).code === "CLOSED") connection.value ??= { since: Date.now(), why: "The service is stopping." };
  else connection.value = null;
  if (answer.ok || (answer.status === 503 && path[0] === "readyz")) return value as T;
  if (answer.status === 401) loggedOut.value = true;
  throw new Problem(answer.status, value as ProblemBody);
}

/** Where the service has it. Members without a value are left out. */
export function urlOf(path: readonly string[], query: Query): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return `${base}/${path.map(encodeURIComponent).join("/")}${text === "" ? "" : `?${text}`}`;
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, credentials: "same-origin", redirect: "error", signal: AbortSignal.timeout(maxWaitMs) });
  } catch {
    throw unreachable("The service does not answer.");
  }
}

/** What was answered last: the same text again is the same value, so that what is shown of 4 MiB is not made anew every two seconds. */
const answers = new Map<string, { readonly text: string; readonly value: unknown }>();
const maxAnswers = 12;
const largeCharacters = 256 * 1024;

/** @param url under which the answer is kept; null for what an act answered. */
async function read(answer: Response, url: string | null): Promise<unknown> {
  let text: string;
  try {
    text = await answer.text();
  } catch {
    throw unreachable("The service stopped in the middle of its answer.");
  }
  const before = url === null ? undefined : answers.get(url);
  if (url !== null) answers.delete(url);
  try {
    const value = before?.text === text ? before.value : parseExact(text);
    // What is made of a large one is made in a turn of its own, so that the page does not stand still.
    if (text.length > largeCharacters) await new Promise((go) => setTimeout(go));
    if (url !== null) answers.set(url, { text, value });
    for (const [oldest] of answers) if (answers.size > maxAnswers) answers.delete(oldest);
    return value;
  } catch {
    return { detail: `Something between here and the service answered ${answer.status}.` };
  }
}

function unreachable(why: string): Problem {
  connection.value ??= { since: Date.now(), why };
  return new Problem(0, { code: "UNREACHABLE", detail: why, remedy: "Nothing that you typed is lost. Try again when it answers; the same act is done once." });
}

/** For one act, however often it has to be sent. `crypto.randomUUID` exists over TLS and on loopback only. */
export function newOnceKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
