import type { Problem } from "../http/problem.ts";
import { exit, Failure, usage } from "./exit.ts";
import { type Answer, send } from "./send.ts";
import { whyUnreachable } from "./why-unreachable.ts";

export type Query = Readonly<Record<string, string | undefined>>;

/** The service, as commands talk to it. Every answer that is no success is a Failure with the exit code that goes with it. */
export interface Client {
  get<T>(path: string, query?: Query): Promise<T>;
  /** An answer that goes on: its bytes as they come. It breaks off as the connection does. */
  open(path: string, query: Query, headers: Readonly<Record<string, string>>): Promise<AsyncIterable<Uint8Array>>;
  /** What `/readyz` says: 200 or 503. */
  ready<T>(): Promise<T>;
  /** @param body JSON text or a value; none: no body. `started`: the answer was 202, it goes on. */
  /** @param body a value. */
  patch<T>(path: string, body: unknown): Promise<T>;
  post<T>(path: string, request?: { readonly query?: Query; readonly body?: unknown; readonly json?: string }): Promise<{ reply: T; started: boolean }>;
}

/** A path with its values percent-encoded: at`/events/${id}`. */
export function at(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return parts.reduce((path, part, index) => path + encodeURIComponent(values[index - 1]!) + part);
}

/** @param key sent with each request. @param tenant named in each request that is about a tenant's things. */
export function makeClient(given: string, key?: string, tenant?: string): Client {
  // What fetch says of a header or an address that it cannot send repeats it, with the key that is in it.
  const url = URL.parse(given);
  if (given.includes("@")) throw usage("--url holds credentials: leave them out. A key goes into --key or REPRISE_KEY.");
  if (url === null || !/^https?:$/.test(url.protocol)) throw usage(`--url is ${JSON.stringify(given)}: it must be an address such as http://127.0.0.1:4680.`);
  // A service in another's server stands under a path of its own.
  const base = `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
  if (key !== undefined && /[^\x21-\x7e]/.test(key))
    throw usage("--key (REPRISE_KEY) holds a blank, a line end or another character that no key has: give it as `reprise keys create` printed it.");

  function targetOf(path: string, query: Query): URL {
    const target = new URL(`${base}${path}`);
    for (const [name, value] of Object.entries(path === "/readyz" ? query : { tenant, ...query }))
      if (value !== undefined) target.searchParams.set(name, value);
    return target;
  }

  const ours = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const unreachable = (error: unknown): Failure => new Failure(exit.unreachable, whyUnreachable(base, error));
  const refusal = (status: number, reply: unknown): Failure =>
    isProblem(reply)
      ? new Failure(exitOf(status), describe(reply), reply)
      : new Failure(exit.failed, `What answers at ${base} does not look like Reprise (status ${status}).\nCheck --url and REPRISE_URL.`);

  async function ask<T>(method: string, path: string, query: Query, json?: string): Promise<{ reply: T; started: boolean }> {
    let answer: Answer;
    try {
      const headers = { accept: "application/json", ...ours, ...(json === undefined ? {} : { "content-type": "application/json" }) };
      answer = await send(targetOf(path, query), { method, headers, redirect: "manual", ...(json === undefined ? {} : { body: json }) });
    } catch (error) {
      throw unreachable(error);
    }
    const { status } = answer;
    const reply = parse(answer.text);
    if (path === "/readyz" && status === 503 && !isProblem(reply) && reply !== undefined) return { reply: reply as T, started: false };
    if (status >= 200 && status < 300 && reply !== undefined) return { reply: reply as T, started: status === 202 };
    throw refusal(status, reply);
  }

  async function open(path: string, query: Query, headers: Readonly<Record<string, string>>): Promise<AsyncIterable<Uint8Array>> {
    let answer: Response;
    try {
      answer = await fetch(targetOf(path, query), { headers: { ...ours, ...headers }, redirect: "manual" });
      if (answer.status === 200 && answer.body !== null && answer.headers.get("content-type")?.startsWith("text/event-stream")) return answer.body;
    } catch (error) {
      throw unreachable(error);
    }
    throw refusal(answer.status, parse(await answer.text()));
  }

  return {
    open,
    ready: async <T>() => (await ask<T>("GET", "/readyz", {})).reply,
    get: async <T>(path: string, query: Query = {}) => (await ask<T>("GET", path, query)).reply,
    patch: async <T>(path: string, body: unknown) => (await ask<T>("PATCH", path, {}, JSON.stringify(body))).reply,
    post: (path, { query = {}, body, json } = {}) => ask("POST", path, query, json ?? (body === undefined ? undefined : JSON.stringify(body))),
  };
}

/** 503 and 429 ask to try again, as if the service were not there yet. The rest of 4xx are refusals. */
function exitOf(status: number): 1 | 4 | 5 {
  if (status === 503 || status === 429) return exit.unreachable;
  return status < 500 ? exit.refused : exit.failed;
}

/** A problem for people: a line for each thing. */
export function describe(problem: Problem): string {
  const places = (problem.errors ?? []).slice(0, 20).map(({ pointer, detail }) => `  ${pointer}: ${detail}`);
  const handlers = Array.isArray(problem.handlers) ? [`  handlers: ${problem.handlers.join(", ")}`] : [];
  const changed = Array.isArray(problem.changed)
    ? problem.changed.map(({ reason, count, event_ids: ids }) => `  ${count} ${reason}${Array.isArray(ids) && ids.length > 0 ? `: ${ids.join(", ")}` : ""}`)
    : [];
  return [`${problem.title} (${problem.status} ${problem.code})`, problem.detail, ...places, ...handlers, ...changed, problem.remedy].join("\n");
}

function isProblem(reply: unknown): reply is Problem {
  return typeof reply === "object" && reply !== null && "title" in reply && "code" in reply && "detail" in reply && "remedy" in reply;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
