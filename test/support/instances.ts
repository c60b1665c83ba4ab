/** Several services on one log server, each behind a wire of its own, with a receiver that they all call. */
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { createKey } from "../../src/access/edit-key-file.ts";
import { clusterStream } from "../../src/event/names.ts";
import type { ClusterReply } from "../../src/http/wire/cluster.ts";
import { openLog } from "../../src/log/open-log.ts";
import type { ClusterEvent } from "../../src/records/cluster.ts";
import type { Call, Receiver } from "./crash-receiver.ts";
import { get, makeSite, type Service, startListening, until } from "./crash-service.ts";
import type { Machine } from "./machines.ts";
import type { ServerLog } from "./server-logs.ts";
import { startRelay } from "./tcp-relay.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export interface Instance extends Service {
  /** Its number, and that of the process: a restart has another one. */
  readonly life: number;
  readonly name: string;
  readonly url: string;
  /** What its requests need. */
  readonly headers: Readonly<Record<string, string>>;
  cut(): void;
  heal(): void;
}

/** As requests see it. */
export type Reachable = Pick<Instance, "url" | "headers">;

let lives = 0;

/** @param env is seen by the config, beside CRASH_LIFE. */
export async function startInstance(config: string, { log, namespace }: ServerLog, env: Readonly<Record<string, string>> = {}): Promise<Instance> {
  const [, host] = /^esdb:\/\/([^/?]+)/.exec(log)!;
  const isOne = !host!.includes(",");
  const relay = isOne ? await startRelay(Number(host!.split(":")[1])) : null;
  onTestFinished(() => relay?.close());
  const through = relay === null ? log : log.replace(host!, `127.0.0.1:${relay.port}`);
  const { about, of } = newLife();
  const service = await startListening(makeSite(config, through, namespace), { ...of, ...env });
  return { ...service, ...about, headers: {}, cut: () => relay!.cut(), heal: () => relay!.heal() };
}

/** On a machine of its own: what is not this machine needs a key. @param cut how it is cut off. */
export async function startInstanceOn(machine: Machine, config: string, { log, namespace }: ServerLog, cut: (machine: Machine) => void): Promise<Instance> {
  const { about, of } = newLife();
  const keys = join(temporaryFolder(), "keys.json");
  const random = (count: number) => crypto.getRandomValues(new Uint8Array(count));
  const asked = { name: "test", tenant: "*", role: "admin", expiresAtMs: null, limit: { per_second: 100_000, burst: 1_000_000 }, sources: null } as const;
  const { text } = createKey({ path: keys, nowMs: Date.now(), random }, asked);
  const env = { ...of, REPRISE_HOST: machine.address, REPRISE_API_KEYS: keys };
  const service = await startListening(makeSite(config, log, namespace), env, machine.inside);
  return {
    ...{ ...service, ...about, headers: { authorization: `Bearer ${text}` } },
    cut: () => cut(machine),
    heal: () => machine.heal(),
  };
}

function newLife() {
  const life = ++lives;
  const name = `i${life}`;
  return { about: { life, name }, of: { REPRISE_INSTANCES: "many", REPRISE_INSTANCE: name, REPRISE_LOG_LEVEL: "info", CRASH_LIFE: String(life) } };
}

/** Appends through any of them until one takes it, as a client does that repeats on 503. */
export async function appendAnywhere(instances: () => readonly Reachable[], events: readonly object[]): Promise<string> {
  for (let n = Math.floor(Math.random() * 100); ; n++) {
    const all = instances();
    const { url, headers } = all[n % all.length]!;
    try {
      const response = await fetch(`${url}/events`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
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

async function ownersOf({ url, headers }: Reachable): Promise<{ readonly owned: ReadonlyMap<string, number>; readonly all: number }> {
  const { partitions } = await get<ClusterReply>(url, "/cluster", headers);
  const owned = new Map<string, number>();
  for (const { owner, state } of partitions) {
    const name = owner?.split(".")[0];
    if (state === "owned" && name !== undefined) owned.set(name, (owned.get(name) ?? 0) + 1);
  }
  return { owned, all: partitions.length };
}

/** All partitions are at work, at these instances and no others; each has one at least. */
export async function isShared(among: readonly Instance[]): Promise<boolean> {
  const { owned, all } = await ownersOf(among[0]!);
  const names = among.map(({ name }) => name);
  return names.every((name) => (owned.get(name) ?? 0) > 0) && names.reduce((sum, name) => sum + (owned.get(name) ?? 0), 0) === all;
}

/** The same once it is so. @throws after a minute, with what each of them knows. */
export async function untilShared(what: string, among: readonly Instance[]): Promise<void> {
  await until(what, () => isShared(among)).catch(async (error: Error) => {
    const seen = await Promise.all(
      among.map(async ({ name, url, headers, lines }) => {
        const view = await get<ClusterReply>(url, "/cluster", headers).catch(String);
        const said = lines.filter((line) => /member|partition|"level":[45]0/.test(line) && !line.includes('"route"')).slice(-15);
        return `${name}: ${JSON.stringify(view)}\n${said.join("\n")}`;
      }),
    );
    throw new Error(`${error.message}\n${seen.join("\n")}`);
  });
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
