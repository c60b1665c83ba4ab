/** The service killed while acting requests with one Idempotency-Key each are under way, 50 at once, over any log: each is done once and has one answer. */
import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { expect } from "vitest";
import { get, kill, makeSite, type Site, startListening, until } from "./crash-service.ts";
import type { LogRow } from "./history-checker.ts";
import { makeRandom } from "./partition-model.ts";
import { logRows } from "./test-store.ts";

const seed = Number(process.env.REPRISE_CRASH_SEED ?? Date.now() % 1_000_000_000);
export const requestKillsTitle = `does each once, and has one answer for it (REPRISE_CRASH_SEED=${seed})`;

const config = `
import { defineConfig, defineEvent, defineHandler, Terminal } from "reprise";
import { z } from "zod";
const placed = defineEvent("order.placed", { 1: z.object({ dead: z.boolean() }) });
export default defineConfig({
  events: [placed],
  handlers: [defineHandler({ name: "mailer", events: [placed], on: { "order.placed": ({ data }) => { if (data.dead) throw new Terminal("cannot"); } } })],
});
`;

/** Sent at once with one key. */
const atOnce = 50;
const order = (id: string, dead: boolean, source: string) => ({ type: "order.placed", entity: { type: "order", id }, data: { dead }, source });

interface Request {
  readonly path: string;
  readonly body: object;
  /** Rows of the log that it leaves. */
  readonly leaves: (rows: readonly LogRow[]) => number;
  readonly count: number;
}

/** What one life is asked, about entities of its own: `ids` are dead letters. */
function requestsOf(round: number, ids: readonly string[]): readonly Request[] {
  const reason = (what: string) => `${what} ${round}`;
  const acted = (type: string, what: string) => (rows: readonly LogRow[]) =>
    rows.filter(({ type: its, data }) => its === type && (data as { readonly act?: { readonly reason?: string } }).act?.reason === reason(what)).length;
  const requested = (what: string) => (rows: readonly LogRow[]) =>
    rows.filter(({ type, data }) => type === "replay.requested" && (data as { readonly reason?: string }).reason === reason(what)).length;
  const appended = { events: [0, 1, 2].map((n) => order(`new-${round}-${n}`, false, reason("append"))) };
  return [
    { path: "/events", body: appended, leaves: (rows) => rows.filter(({ stream }) => stream.startsWith(`default.order-new-${round}-`)).length, count: 3 },
    { path: `/admin/dlq/${ids[0]}/discard`, body: { reason: reason("discard") }, leaves: acted("delivery.settled", "discard"), count: 1 },
    { path: `/admin/dlq/${ids[1]}/replay`, body: { reason: reason("replay") }, leaves: requested("replay"), count: 1 },
    {
      ...{ path: "/admin/dlq/discard-batch", body: { source: reason("batch"), max_events: 2, reason: reason("batch") } },
      ...{ leaves: acted("delivery.settled", "batch"), count: 2 },
    },
    { path: `/entities/order/pause-${round}/pause`, body: { reason: reason("pause") }, leaves: acted("lane.paused", "pause"), count: 1 },
  ];
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly replayed: boolean;
}

async function send(url: string, { path, body }: Request, key: string): Promise<Answer> {
  const headers = { "content-type": "application/json", "idempotency-key": key };
  const response = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: response.status, text: await response.text(), replayed: response.headers.get("idempotent-replayed") === "true" };
}

/** Dead letters for a round, and an entity to pause. @returns their ids. */
async function arrange(url: string, round: number): Promise<readonly string[]> {
  const letters = [0, 1, 2, 3, 4, 5].map((n) => order(`letter-${round}-${n}`, true, n < 2 ? "alone" : `batch ${round}`));
  const body = { events: [...letters, order(`pause-${round}`, false, "alone")] };
  const response = await fetch(`${url}/events`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const { events } = (await response.json()) as { events: readonly { readonly id: string }[] };
  for (const { id } of events.slice(0, letters.length)) await until("a dead letter", () => get(url, `/admin/dlq/${id}`));
  return events.map(({ id }) => id);
}

export async function runRequestKills(kills: number, site: Site = makeSite(config)): Promise<void> {
  const random = makeRandom(seed);
  const all: { readonly request: Request; readonly key: string; readonly answer: Answer }[] = [];
  let early = 0;
  let service = await startListening(site);
  /** How long such a burst takes: a kill comes somewhere in it. */
  let burstMs = 400;
  for (let round = 0; round < kills; round++) {
    const asked = requestsOf(round, await arrange(service.url, round)).map((request) => ({ request, key: randomUUID(), answers: [] as Answer[] }));
    const startedMs = performance.now();
    const burst = asked.flatMap(({ request, key, answers }) =>
      Array.from({ length: atOnce }, () =>
        send(service.url, request, key).then(
          (answer) => answers.push(answer),
          () => {},
        ),
      ),
    );
    const dying = service;
    await Promise.race([Promise.all(burst).then(() => (burstMs = performance.now() - startedMs)), wait(random() * burstMs)]);
    await kill(dying);
    await Promise.all(burst);
    service = await startListening(site);
    for (const { request, key, answers } of asked) {
      const again = await until(`an answer to ${request.path}`, async () => {
        const answer = await send(service.url, request, key);
        return answer.status !== 503 && answer.text.includes("IDEMPOTENCY_IN_PROGRESS") === false && answer;
      });
      expect(again.status, again.text).toBeLessThan(300);
      const given = answers.filter(({ status }) => status < 300);
      early += given.length;
      for (const { text } of given) expect(text).toBe(again.text);
      for (const { status, text } of answers) if (status >= 300) expect(text).toMatch(/IDEMPOTENCY_IN_PROGRESS|LOG_UNAVAILABLE|NOT_OWNER|CLOSED/);
      if (given.length > 0) expect(again.replayed).toBe(true);
      all.push({ request, key, answer: again });
    }
  }
  for (const { request, key, answer } of all) expect(await send(service.url, request, key)).toEqual({ ...answer, replayed: true });
  service.send("SIGTERM");
  await service.ended;
  const rows = await logRows(site.log.startsWith("sqlite:") ? site.data : site);
  for (const { request } of all) expect({ path: request.path, left: request.leaves(rows) }).toEqual({ path: request.path, left: request.count });
  console.log(`${kills} kills, ${all.length} requests of ${atOnce} at once, ${early} answered before a kill; REPRISE_CRASH_SEED=${seed}`);
}

export const makeRequestSite = (log?: string, namespace?: string): Site => makeSite(config, log, namespace);
