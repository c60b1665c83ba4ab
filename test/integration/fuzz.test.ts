/**
 * Requests that nobody would send, over all routes: no answer of the 5xx but a stated 503, and the payload's canaries in no problem. REPRISE_FUZZ_REQUESTS says how
 * many with each of the four seeds.
 */
import type { FastifyInstance, InjectOptions } from "fastify";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent, defineUpcasters } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { defineHandler } from "../../src/delivery/handler.ts";
import { serverOver } from "../support/http.ts";
import { size } from "../support/sizes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startStore } from "../support/test-store.ts";

const requests = size(300, 3000, "REPRISE_FUZZ_REQUESTS");
const canary = "canary-4f9a2e";
const note = defineEvent("note.taken", { 1: z.looseObject({}), 2: z.looseObject({}) });
const strict = defineEvent("order.placed", { 1: z.object({ cents: z.int(), name: z.string().optional() }) });
const config = defineConfig({
  events: [note, strict],
  upcasters: [defineUpcasters(note, { 1: (data) => ({ ...data, parsed: JSON.parse(String(data.text ?? "{}")) as unknown }) })],
  handlers: [
    defineHandler({
      ...{ name: "reader", events: [note, strict], retry: { maxAttempts: 1 } },
      on: {
        "note.taken": ({ data }) => void BigInt(String(data.text)),
        "order.placed": ({ data }) => {
          if (data.cents < 0) JSON.parse(String(data.name));
        },
      },
    }),
  ],
});

/** Mulberry32. */
function makeRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function makeGenerator(seed: number, known: string[]) {
  const random = makeRandom(seed);
  const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const some = (part: number): boolean => random() < part;

  const word = (): string =>
    one([
      ...[
        "",
        " ",
        "0",
        "-1",
        "1",
        "1e400",
        "null",
        "true",
        "x".repeat(300),
        "..",
        "%",
        "%zz",
        "%00",
        "\u0000",
        "\ud800",
        "é",
        "\u202e",
        "'",
        '"',
        "order",
        "note",
      ],
      ...["a/b", "o-1", "reader", "2026-01-31T12:00:00Z", "2026-13-01T00:00:00Z", "9007199254740993", "__proto__", "constructor", "toString", "default"],
      ...[known.length > 0 ? one(known) : "none"],
    ]);
  const json = (depth = 0): unknown =>
    depth > 4 || some(0.5)
      ? one<unknown>([null, true, false, 0, -1, 1.5, 1e15, "", word(), [], {}])
      : some(0.5)
        ? Array.from({ length: Math.floor(random() * 5) }, () => json(depth + 1))
        : Object.fromEntries(Array.from({ length: Math.floor(random() * 5) }, () => [word(), json(depth + 1)]));
  const event = (): Record<string, unknown> => {
    const whole: Record<string, unknown> = some(0.5)
      ? { type: "note.taken", schema_version: one([1, 2]), entity: { type: "note", id: `n-${Math.floor(random() * 20)}` }, data: { text: canary } }
      : { type: "order.placed", entity: { type: "order", id: `o-${Math.floor(random() * 20)}` }, data: { cents: one([1, -1]), name: canary } };
    for (const name of [
      "id",
      "source",
      "occurred_at",
      "priority",
      "correlation_id",
      "call_chain",
      "context_refs",
      "traceparent",
      "data",
      "type",
      "entity",
      word(),
    ])
      if (some(0.03)) whole[name] = json();
    return whole;
  };
  const cloudEvent = (): Record<string, unknown> => {
    const whole: Record<string, unknown> = { specversion: "1.0", id: word(), source: "fuzz", type: "note.taken", subject: "note/c-1", data: { text: canary } };
    for (const name of ["id", "source", "time", "subject", "datacontenttype", "callchain", "contextrefs", "schemaversion", word()])
      if (some(0.1)) whole[name] = json();
    return whole;
  };
  const filters = [
    "event_type",
    "source",
    "handler",
    "entity_type",
    "entity_id",
    "error",
    "cause",
    "replay_id",
    "since",
    "until",
    "limit",
    "offset",
    "cursor",
    "after",
    "data",
  ];
  const query = (): string => {
    const names = Array.from({ length: Math.floor(random() * 4) }, () =>
      some(0.8) ? one([...filters, "status", "lane_state", "from", "direction", "as", "correlation_id"]) : word(),
    );
    return names.length === 0
      ? ""
      : `?${names.map((name) => `${encodeURIComponent(name.toWellFormed())}=${some(0.9) ? encodeURIComponent(word().toWellFormed()) : word()}`).join("&")}`;
  };
  const part = (): string => encodeURIComponent((some(0.5) && known.length > 0 ? one(known) : word()).toWellFormed());
  const act = (): unknown => {
    const body: Record<string, unknown> = { reason: "fuzz" };
    for (const name of [
      "reason",
      "handler",
      "target_handler",
      "migration",
      "data",
      "resolution",
      "max_events",
      "rate_per_second",
      "selection",
      "plan_id",
      "mode",
      ...filters.slice(0, 10),
    ])
      if (some(0.12)) body[name] = json();
    if (some(0.2)) body.selection = one<unknown>([{ ids: [word()] }, { dead_letters: { handler: "reader" } }, { history: { handler: "reader" } }, json()]);
    return body;
  };
  const routes: readonly (() => readonly [method: string, path: string, body?: unknown])[] = [
    () => ["POST", "/events", some(0.7) ? event() : { events: Array.from({ length: Math.floor(random() * 4) }, event) }],
    ...Array(3).fill(() => ["POST", "/events", event()]),
    () => ["POST", "/events", some(0.5) ? json() : cloudEvent()],
    () => ["GET", "/events"],
    () => ["GET", `/events/${part()}`],
    () => ["GET", "/entities"],
    () => ["GET", `/entities/${one(["note", "order", part()])}/${one(["n-1", "o-1", part()])}`],
    () => ["GET", `/entities/${one(["note", "order", part()])}/${one(["n-1", "o-1", part()])}/events`],
    () => ["POST", `/entities/note/${part()}/${one(["pause", "resume", "retry", part()])}`, act()],
    () => ["GET", "/admin/dlq"],
    () => ["GET", "/admin/dlq/stats"],
    () => ["GET", `/admin/dlq/${part()}`],
    () => ["POST", `/admin/dlq/${part()}/${one(["replay", "discard", "amend", part()])}`, act()],
    () => ["POST", `/admin/dlq/${one(["replay-batch", "discard-batch"])}`, { max_events: 1, ...(act() as object) }],
    () => ["GET", "/handlers"],
    () => ["POST", `/handlers/${one(["reader", part()])}/${one(["pause", "resume", part()])}`, act()],
    () => ["GET", "/schemas"],
    () => ["GET", `/schemas/${one(["note.taken", part()])}/${one(["1", "2", part()])}`],
    () => ["GET", "/replays"],
    () => ["GET", `/replays/${part()}`],
    () => ["GET", `/replays/plans/${part()}`],
    () => ["POST", "/replays/plan", act()],
    () => ["POST", "/replays", act()],
    () => ["POST", `/replays/${part()}/${one(["pause", "resume", "cancel"])}`, act()],
    () => ["PATCH", `/replays/${part()}`, act()],
    () => ["GET", one(["/healthz", "/readyz", `/${part()}`, `/${part()}/${part()}`])],
    () => [one(["PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "POST"]), one(["/events", "/admin/dlq", "/handlers", `/${part()}`]), json()],
  ];
  return (): InjectOptions => {
    const [method, path, body] = one(routes)();
    const type = one([
      "application/json",
      "application/json",
      "application/json",
      "application/cloudevents+json",
      "text/plain",
      word()
        .toWellFormed()
        .replace(/[^ -~]/g, ""),
    ]);
    let payload = body === undefined ? undefined : JSON.stringify(body);
    // Cut, doubled, with a number that no double keeps, with a member twice.
    if (payload !== undefined && some(0.1))
      payload = one([
        payload.slice(0, Math.floor(random() * payload.length)),
        payload + payload,
        payload.replace(/\d+/, "1e400"),
        payload.replace("{", '{"type":1,'),
      ]);
    return {
      method: method as "GET",
      url: path + (some(0.4) ? query() : ""),
      headers: payload === undefined ? {} : { "content-type": type },
      ...(payload === undefined ? {} : { payload }),
    };
  };
}

describe("requests that nobody would send", () => {
  it.each([1, 2, 3, 4])("get no 5xx and tell no payload, with seed %i", { timeout: 600_000 }, async (seed) => {
    const lines: string[] = [];
    const logger = pino({ level: "trace" }, { write: (line: string) => void lines.push(line) });
    const store = await startStore(config, temporaryFolder(), { logger });
    const server: FastifyInstance = serverOver(store, logger);
    const known: string[] = [];
    const next = makeGenerator(seed, known);
    const statuses = new Map<number, number>();
    for (let count = 0; count < requests; count++) {
      const request = next();
      const answer = await server.inject(request);
      statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1);
      const what = `${String(request.method)} ${String(request.url)} ${String(request.payload ?? "").slice(0, 500)}`;
      if (answer.statusCode >= 500)
        expect([what, answer.statusCode, answer.body]).toEqual([
          what,
          503,
          expect.stringMatching(/"code":"(?:VIEW_BEHIND|LOG_UNAVAILABLE)"|"status":"waiting/),
        ]);
      if (answer.statusCode < 400)
        for (const [, id] of answer.body.matchAll(/"(?:id|delivery_id|replay_id|plan_id)":"([0-9a-f-]{36})"/g)) if (known.length < 500) known.push(id!);
      if (answer.statusCode >= 400 && answer.body !== "") {
        const problem = answer.json() as { code?: string; detail?: string; errors?: { detail: string }[] };
        expect([what, problem.code]).toEqual([what, expect.stringMatching(/^[A-Z_]+$/)]);
        // A pointer names members, and `instance` the path: both the client's own words.
        expect([problem.detail, ...(problem.errors ?? []).map(({ detail }) => detail)].join()).not.toContain(canary);
      }
    }
    expect(Math.max(...statuses.keys())).toBeLessThan(504);
    expect(statuses.get(201)).toBeGreaterThan(requests / 100);
    expect(statuses.get(400)).toBeGreaterThan(requests / 100);

    // Payloads stand under `data` and nowhere else: not in errors, statistics and logs.
    const stats = (await server.inject("/admin/dlq/stats")).body;
    const letters = (await server.inject("/admin/dlq?data=false")).body;
    const errors = [...letters.matchAll(/"(?:error|data_error)":("[^"]*"|\{[^}]*\})/g)].map(([text]) => text).join("\n");
    expect(stats + errors).not.toMatch(/canary/);
    expect(lines.filter((line) => line.includes(canary))).toEqual([]);
  });
});
