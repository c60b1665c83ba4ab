/** Several services on one log server, each behind a wire of its own, with a receiver that they all call. */
import { setTimeout as wait } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { clusterStream } from "../../src/event/names.ts";
import type { ClusterReply } from "../../src/http/wire/cluster.ts";
import { openLog } from "../../src/log/open-log.ts";
import type { ClusterEvent } from "../../src/records/cluster.ts";
import type { Call, Receiver } from "./crash-receiver.ts";
import { get, makeSite, type Service, startListening } from "./crash-service.ts";
import type { ServerLog } from "./server-logs.ts";
import { startRelay } from "./tcp-relay.ts";

export interface Instance extends Service {
  /** Its number, and that of the process: a restart has another one. */
  readonly life: number;
  readonly name: string;
  readonly url: string;
  cut(): void;
  heal(): void;
}

let lives = 0;

/** @param env is seen by the config, beside CRASH_LIFE. */
export async function startInstance(config: string, { log, namespace }: ServerLog, env: Readonly<Record<string, string>> = {}): Promise<Instance> {
  const [, host] = /^esdb:\/\/([^/?]+)/.exec(log)!;
  const isOne = !host!.includes(",");
  const relay = isOne ? await startRelay(Number(host!.split(":")[1])) : null;
  onTestFinished(() => relay?.close());
  const life = ++lives;
  const name = `i${life}`;
  const through = relay === null ? log : log.replace(host!, `127.0.0.1:${relay.port}`);
  const site = makeSite(config, through, namespace);
  const service = await startListening(site, {
    REPRISE_INSTANCES: "many",
    REPRISE_INSTANCE: name,
    REPRISE_LOG_LEVEL: "info",
    CRASH_LIFE: String(life),
    ...env,
  });
  return { ...service, life, name, cut: () => relay!.cut(), heal: () => relay!.heal() };
}

/** Appends through any of them until one takes it, as a client does that repeats on 503. */
export async function appendAnywhere(urls: () => readonly string[], events: readonly object[]): Promise<string> {
  for (let n = Math.floor(Math.random() * 100); ; n++) {
    const all = urls();
    try {
      const response = await fetch(`${all[n % all.length]}/events`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ events }),
        signal: AbortSignal.timeout(5000),
      });
      if (response.status === 201) return ((await response.json()) as { readonly events: readonly { readonly position: string }[] }).events.at(-1)!.position;
      if (response.status !== 503) throw new Refused(`An append was answered with ${response.status}: ${await response.text()}`);
    } catch (error) {
      if (error instanceof Refused) throw error;
    }
    await wait(100);
  }
}

class Refused extends Error {}

export async function ownersOf(url: string): Promise<{ readonly owned: ReadonlyMap<string, number>; readonly all: number }> {
  const { partitions } = await get<ClusterReply>(url, "/cluster");
  const owned = new Map<string, number>();
  for (const { owner, state } of partitions) {
    const name = owner?.split(".")[0];
    if (state === "owned" && name !== undefined) owned.set(name, (owned.get(name) ?? 0) + 1);
  }
  return { owned, all: partitions.length };
}

/** All partitions are at work, at these instances and no others; each has one at least. */
export async function isShared(among: readonly Instance[]): Promise<boolean> {
  const { owned, all } = await ownersOf(among[0]!.url);
  const names = among.map(({ name }) => name);
  return names.every((name) => (owned.get(name) ?? 0) > 0) && names.reduce((sum, name) => sum + (owned.get(name) ?? 0), 0) === all;
}

/** What the cluster's stream says. */
export async function clusterEvents({ log, namespace }: ServerLog): Promise<readonly ClusterEvent[]> {
  const opened = await openLog(log, { namespace });
  const events: ClusterEvent[] = [];
  for await (const batch of opened.readStream(clusterStream)) events.push(...(batch as unknown as readonly ClusterEvent[]));
  await opened.close();
  return events;
}

/**
 * What a receiver saw go wrong: an entity that skipped an event, two calls of one at once by one owner, or an owner that called after a later one. Repeats are
 * counted.
 */
export function judge(receiver: Receiver): { readonly wrong: readonly string[]; readonly repeats: number } {
  const wrong: string[] = [];
  const lanes = new Map<string, { next: number; epoch: number; open: Set<Call> }>();
  let repeats = 0;
  for (const { kind, call } of receiver.history) {
    const lane = lanes.get(`${call.handler} ${call.lane}`) ?? { next: 0, epoch: -1, open: new Set() };
    lanes.set(`${call.handler} ${call.lane}`, lane);
    if (kind === "answered") {
      lane.open.delete(call);
      if (call.revision === lane.next && call.answered!.status < 300) lane.next++;
      continue;
    }
    if (call.revision > lane.next) wrong.push(`${call.lane}: ${call.revision} came before ${lane.next} was done`);
    if (call.revision < lane.next) repeats++;
    if (call.epoch !== null && call.epoch < lane.epoch) wrong.push(`${call.lane}: ${call.revision} came from epoch ${call.epoch} after ${lane.epoch}`);
    if ([...lane.open].some(({ life }) => life === call.life)) wrong.push(`${call.lane}: two calls of ${call.life} at once`);
    lane.epoch = Math.max(lane.epoch, call.epoch ?? -1);
    lane.open.add(call);
  }
  return { wrong: wrong.slice(0, 10), repeats };
}
