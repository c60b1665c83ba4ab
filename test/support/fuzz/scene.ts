/** A store with something of everything, and its two doors: one without keys, one with keys of every role and tenant. */
import { join } from "node:path";
import type { FastifyInstance, InjectOptions } from "fastify";
import { type Logger, pino } from "pino";
import { z } from "zod";
import { createKey, revokeKey } from "../../../src/access/edit-key-file.ts";
import { openKeys } from "../../../src/access/keys.ts";
import { roles } from "../../../src/access/roles.ts";
import { defineEvent, defineUpcasters } from "../../../src/catalog/define.ts";
import { defineConfig } from "../../../src/config/config.ts";
import { defineHandler } from "../../../src/delivery/handler.ts";
import { systemClock } from "../../../src/event/clock.ts";
import { makeServer } from "../../../src/http/server.ts";
import type { Store } from "../../../src/store/store.ts";
import { holdToDocument } from "../described.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { startStore } from "../test-store.ts";
import type { Random } from "./random.ts";

/** Part of each payload: it stands under `data` and nowhere else. */
export const canary = "canary-4f9a2e";

const note = defineEvent("note.taken", { 1: z.looseObject({}), 2: z.looseObject({}) });
const order = defineEvent("order.placed", { 1: z.object({ cents: z.int(), name: z.string().optional() }) });
/** Its step and its handler fail in ways in which V8 quotes what it was given. */
const config = defineConfig({
  events: [note, order],
  upcasters: [defineUpcasters(note, { 1: (data) => ({ ...data, parsed: JSON.parse(String(data.text ?? "{}")) as unknown }) })],
  handlers: [
    defineHandler({
      ...{ name: "reader", events: [note, order], retry: { maxAttempts: 1 } },
      on: {
        "note.taken": ({ data }) => void BigInt(String(data.text)),
        "order.placed": ({ data }) => {
          if (data.cents < 0) JSON.parse(String(data.name));
        },
      },
    }),
  ],
});

export interface Scene {
  readonly store: Store;
  /** Without keys, and with them. */
  readonly doors: readonly FastifyInstance[];
  readonly keysPath: string;
  /** Texts of keys: in force, of few requests, revoked, mistyped. */
  readonly keys: readonly string[];
  readonly lines: readonly string[];
  /** Where answers departed from the document; emptied by whoever looks. */
  readonly departures: string[];
  readonly known: (name: string) => readonly unknown[];
  /** Remembers ids and cursors of an answer. */
  learn(body: string): void;
}

export async function makeScene(random: Random): Promise<Scene> {
  const lines: string[] = [];
  const logger: Logger = pino({ level: "trace" }, { write: (line: string) => void lines.push(line) });
  const store = await startStore(config, temporaryFolder(), { logger });
  const keysPath = join(temporaryFolder(), "keys.json");
  const keys = makeKeys(keysPath, random);
  const departures: string[] = [];
  const inForce = openKeys({ path: keysPath, clock: systemClock });
  const doors = [null, inForce].map((each) => {
    const app = makeServer({ store, logger, clock: systemClock, keys: each });
    holdToDocument(app, departures);
    return app;
  });
  const { known, learn } = makeKnown(random);
  return { store, doors, keysPath, keys, lines, departures, known, learn };
}

function makeKeys(path: string, random: Random): readonly string[] {
  const options = { path, nowMs: Date.now(), random: (count: number) => Uint8Array.from({ length: count }, () => random.below(256)) };
  const free = { per_second: 100_000, burst: 1_000_000 };
  const make = (name: string, tenant: string, role: (typeof roles)[number], limit = free) =>
    createKey(options, { name, tenant, role, limit, expiresAtMs: null, sources: null });
  const texts = ["default", "other", "*"].flatMap((tenant) => roles.map((role) => make(`${role} of ${tenant === "*" ? "all" : tenant}`, tenant, role).text));
  const slow = make("slow", "default", "admin", { per_second: 1, burst: 1 });
  const revoked = make("revoked", "default", "admin");
  revokeKey(options, revoked.key.id);
  const admin = make("most", "default", "admin").text;
  // Most requests get past the door.
  return [...texts, slow.text, revoked.text, `${admin.slice(0, 20)}${admin.slice(21)}`, ...Array<string>(30).fill(admin)];
}

function makeKnown(random: Random): Pick<Scene, "known" | "learn"> {
  const ids: string[] = [];
  const cursors: string[] = [];
  const number = (prefix: string) => `${prefix}-${random.below(20)}`;
  const pools: Readonly<Record<string, () => readonly unknown[]>> = {
    id: () => ids,
    ids: () => (ids.length > 0 ? [[random.one(ids)]] : []),
    plan_id: () => ids,
    replay_id: () => ids,
    cursor: () => cursors,
    after: () => ["0", "1"],
    type: () => ["note.taken", "order.placed"],
    event_type: () => ["note.taken", "order.placed"],
    event_types: () => [["note.taken"]],
    entity_type: () => ["note", "order"],
    entity_id: () => [number("n"), number("o")],
    subject: () => [`note/${number("n")}`, `order/${number("o")}`],
    data: () => [{ text: canary }, { text: "1", [canary]: canary }, { cents: 1, name: canary }, { cents: -1, name: canary }],
    schema_version: () => [1, 2],
    schemaversion: () => [1, "2"],
    version: () => ["1", "2"],
    handler: () => ["reader"],
    target_handler: () => ["reader"],
    name: () => ["reader"],
    source: () => ["fuzz"],
    call_chain: () => [["fuzz"]],
    callchain: () => ["web,fuzz"],
    contextrefs: () => ["doc:1"],
    datacontenttype: () => ["application/json"],
    time: () => ["2026-01-31T12:00:00Z"],
    occurred_at: () => ["2026-01-31T12:00:00.123456Z"],
    since: () => ["2026-01-01T00:00:00Z"],
    until: () => ["2100-01-01T00:00:00+02:00"],
    tenant: () => ["default", "other"],
    reason: () => ["fuzz"],
    error: () => ["SyntaxError", "Error"],
    limit: () => [1, 2, 10],
    offset: () => [0, 1],
    from: () => [0, 1],
    max_events: () => [1, 2],
    from_position: () => ["0", "1"],
    to_position: () => ["5"],
    rate_per_second: () => [1000],
    hold_seconds: () => [1],
    traceparent: () => ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
  };
  return {
    known: (name) => pools[name]?.() ?? [],
    learn(body) {
      for (const [, id] of body.matchAll(/"(?:id|delivery_id|replay_id|plan_id)":"([0-9a-f-]{36})"/g))
        if (ids.length < 500 && !ids.includes(id!)) ids.push(id!);
      const cursor = /"next_cursor":"([^"]+)"/.exec(body)?.[1];
      if (cursor !== undefined && cursors.length < 50) cursors.push(cursor);
    },
  };
}

export function shown({ method, url, headers, payload }: InjectOptions): string {
  return `${method} ${String(url).slice(0, 500)} ${JSON.stringify(headers)} ${String(payload ?? "").slice(0, 500)}`;
}
