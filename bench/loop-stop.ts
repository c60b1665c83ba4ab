import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { newId } from "../src/event/ids.ts";
import { openLargeLog } from "../test/support/large-log.ts";
import type { Benchmark } from "./measure.ts";
import { startService } from "./service.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** The longest time for which one request may hold the thread. Other requests are served, and arrived answers are taken, so much later. */
const targetMs = 50;
const largeEvents = 60;
/** The size of each of the four events of a request: together they are just under its 4 MiB. */
const largeBytes = 950_000;

interface Asked {
  readonly name: string;
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: object;
}

/**
 * The longest that any one request holds the service's thread, on a log of 120,000 events, an entity with a fifth of them, 30,000 dead letters and events of
 * a megabyte: each route with the most that it takes, one after the other. stderr has the figure of each.
 *
 * The floor is `GET /healthz`, as often.
 */
export const loopStopBenchmark: Benchmark = {
  name: "loop-stop",
  unit: "ms",
  target: targetMs,
  bound: "value at most",
  figure: "own",
  runs: 3,
  async prepare(scale) {
    const folder = temporaryFolder();
    const scene = await openLargeLog(join(folder, "data"), Math.max(6000, Math.round(120_000 * scale)));
    await scene.close();
    const service = startService(new URL("./processes/loop-stop.config.ts", import.meta.url), folder);
    const worst = new Map<string, number>();
    try {
      const { url } = JSON.parse(await service.said('"listening"')) as { readonly url: string };
      const { probe } = JSON.parse(await service.said('"probe"')) as { readonly probe: string };
      const heldMs = async () => Number(await (await fetch(probe)).text());
      await untilReady(url);
      for (let number = 0; number < largeEvents; number += 4) await ask(url, post("/events", "large", { events: [0, 1, 2, 3].map(large) }));
      await untilDelivered(url);
      const [reads, writes] = [readRequests(scene), writeRequests()];
      const requests = () => [...reads(), ...writes()];
      const measured = async (asked: readonly Asked[]) => {
        let longest = 0;
        for (const one of asked) {
          await heldMs();
          await ask(url, one);
          const ms = await heldMs();
          worst.set(one.name, Math.max(worst.get(one.name) ?? 0, ms));
          longest = Math.max(longest, ms);
        }
        return longest;
      };
      return {
        subject: {
          // Each run has ids of its own, and replays of its own.
          go: async () => Math.max(await measured(requests()), await replayed(url, measured)),
        },
        floor: { go: async () => Math.max(0.1, await measured(requests().map(() => ({ name: "GET /healthz", method: "GET", path: "/healthz" })))) },
        fault() {
          for (const [name, ms] of [...worst].sort(([, a], [, b]) => b - a)) console.error(`${ms.toFixed(1).padStart(8)} ms  ${name}`);
          return null;
        },
        close: () => service.kill(),
      };
    } catch (error) {
      await service.kill();
      throw error;
    }
  },
};

type Scene = Pick<Awaited<ReturnType<typeof openLargeLog>>, "ids" | "letter" | "replayed" | "replayId">;

const get = (path: string, name = path): Asked => ({ name: `GET ${name}`, method: "GET", path });
const post = (path: string, name: string, body: object): Asked => ({ name: `POST ${path.split("?")[0]} ${name}`, method: "POST", path, body });

/** Every list, count and look-up, by the filters that cost most, at its beginning and deep inside. */
function readRequests({ ids, letter, replayed, replayId }: Scene): () => readonly Asked[] {
  const eventFilters = [
    ...["", "event_type=order.rare&source=rare", "event_type=order.large", "entity_type=order&entity_id=big", "correlation_id=flow&entity_type=cart"],
    ...["status=skipped", "status=dead_lettered", "status=pending", "status=held", "status=completed&handler=strict", "since=2020-01-01T00:00:00Z&source=rare"],
    ...["until=2020-01-01T00:00:00Z", "handler=relaxed&event_type=order.rare"],
  ];
  const letterFilters = [
    ...[
      "",
      "event_type=order.rare",
      "event_type=order.large",
      "source=rare",
      "source=shop",
      "handler=relaxed",
      "handler=strict&source=rare",
      "entity_type=cart",
    ],
    ...[
      "entity_type=order&entity_id=big",
      "cause=exhausted",
      "cause=crash",
      "error=HttpError",
      `error=${encodeURIComponent(`HttpError: no stock for ${replayed.id}`)}`,
    ],
    ...[`replay_id=${replayId}`, "since=2020-01-01T00:00:00Z&handler=relaxed&cause=terminal", "until=2099-01-01T00:00:00Z&entity_type=cart"],
  ];
  const entities = [
    "",
    "lane_state=blocked",
    "lane_state=behind",
    "lane_state=flowing",
    "handler=relaxed",
    "handler=strict&lane_state=stuck",
    "entity_type=cart",
  ];
  const requests = [
    ...eventFilters.map((filter) => get(`/events?limit=1000&${filter}`)),
    ...letterFilters.flatMap((filter) => [
      get(`/admin/dlq?limit=200&${filter}`),
      get(`/admin/dlq?limit=200&data=false&offset=10000&${filter}`),
      get(`/admin/dlq/stats?${filter}`),
    ]),
    ...entities.map((filter) => get(`/entities?limit=1000&${filter}`)),
    ...["big", "large-1", "7"].flatMap((id) => [
      get(`/entities/order/${id}`),
      get(`/entities/order/${id}/events?limit=1000`),
      get(`/entities/order/${id}/events?limit=1000&direction=backward&as=stored`),
    ]),
    get("/entities/order/big/events?limit=1000&from=10000"),
    get(`/events/${letter.id}`, "/events/:id"),
    get(`/admin/dlq/${letter.id}?handler=strict`, "/admin/dlq/:id"),
    ...["/handlers", "/schemas", "/schemas/order.placed/1", "/readyz", "/healthz", "/replays?limit=1000"].map((path) => get(path)),
    post("/replays/plan", "10,000 ids", { selection: { ids: ids.slice(0, 10_000) } }),
    post("/replays/plan", "letters of relaxed", { selection: { dead_letters: { handler: "relaxed" } } }),
    post("/replays/plan", "letters of failing", { selection: { dead_letters: { handler: "failing" } } }),
    post("/replays/plan", "history of all, refused or not", { selection: { history: { handler: "idle" } } }),
    post("/replays/plan", "history of most", { selection: mostHistory }),
    post("/replays/plan", "history of one type", { selection: { history: { handler: "idle", event_types: ["order.rare"] } } }),
  ];
  return () => [...requests, post("/replays/plan", "10,000 unknown ids", { selection: { ids: Array.from({ length: 10_000 }, () => newId()) } })];
}

/** Appends of the most that a request takes, with ids and without, stored already, and refused; acts on many letters at once. */
function writeRequests(): () => readonly Asked[] {
  const small = (id: number) => ({ type: "order.placed", entity: { type: "order", id: `new-${id}` }, data: { total: id } });
  return () => {
    const many = Array.from({ length: 1000 }, (_, number) => ({ ...small(number), id: newId() }));
    const wide = [0, 1, 2, 3].map((entity) => ({ ...large(entity), id: newId() }));
    const lists = { type: "order.placed", entity: { type: "order", id: "lists" }, data: { total: 1, rows: Array.from({ length: 600_000 }, () => [1, 2]) } };
    return [
      post("/events", "1,000 events of as many entities", { events: many }),
      post("/events", "1,000 events again", { events: many }),
      post("/events", "1,000 events of one entity", { events: many.map((event) => ({ ...event, id: newId(), entity: { type: "order", id: "one" } })) }),
      post("/events", "4 MiB of text", { events: wide }),
      post("/events", "4 MiB of text again", { events: wide }),
      post("/events", "4 MiB of lists, refused", lists),
      post("/events", "1,000 faults", { events: many.map((event) => ({ ...event, id: newId(), data: { total: "1" } })) }),
      post("/events", "4 MiB in 1,000 events, refused or not", {
        events: many.map((event) => ({ ...event, id: newId(), data: { total: 1, rows: Array.from({ length: 250 }, (_, index) => ({ index })) } })),
      }),
      post("/admin/dlq/replay-batch", "1,000", { handler: "relaxed", max_events: 1000 }),
      post("/admin/dlq/discard-batch", "1,000", { handler: "relaxed", entity_type: "cart", max_events: 1000, reason: "bench" }),
    ];
  };
}

/** Two thirds of the log: a plan of all of it has more items than a plan may have. */
const mostHistory = { history: { handler: "idle", event_types: ["order.paid"] } };

/** A replay of most that `idle` has ever had, from its start to its end, with its reports. */
async function replayed(url: string, measured: (asked: readonly Asked[]) => Promise<number>): Promise<number> {
  const plan = (await ask(url, post("/replays/plan", "", { selection: mostHistory }))) as { readonly plan_id: string };
  const started = { plan_id: plan.plan_id, mode: "dry_run", reason: "bench" };
  const longest = await measured([post("/replays", "two thirds of all", started)]);
  return longest;
}

function large(entity: number) {
  return { type: "order.large", entity: { type: "order", id: `large-${entity}` }, data: { text: "x".repeat(largeBytes) } };
}

async function ask(url: string, { name, method, path, body }: Asked): Promise<unknown> {
  const sent = body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  const answer = await fetch(url + path, { method, ...sent });
  const text = await answer.text();
  if (answer.status >= 500 || (answer.status >= 400 && answer.status !== 404 && !/refused|faults/.test(name)))
    throw new Error(`${name}: ${answer.status} ${text.slice(0, 500)}`);
  return JSON.parse(text);
}

async function untilReady(url: string): Promise<void> {
  while ((await fetch(`${url}/readyz`)).status !== 200) await wait(200);
}

async function untilDelivered(url: string): Promise<void> {
  for (;;) {
    const { total } = (await ask(url, get("/admin/dlq?handler=failing&limit=1&data=false"))) as { readonly total: number };
    if (total >= largeEvents) return;
    await wait(200);
  }
}
