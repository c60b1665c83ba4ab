/** Load on several instances: events of many entities appended through any of them, and what their receiver has of these. */
import { setTimeout as wait } from "node:timers/promises";
import { v7 } from "uuid";
import type { Receiver } from "./crash-receiver.ts";
import { until } from "./crash-service.ts";
import { appendAnywhere, type Reachable } from "./instances.ts";

/** One handler, a webhook that says which process calls. */
export const hookConfig = (receiver: string): string => `
import { defineConfig, defineEvent, webhookHandler } from "reprise";
import { z } from "zod";
export default defineConfig({
  events: [defineEvent("thing.happened", { 1: z.object({}) })],
  handlers: [webhookHandler({ name: "hook", partitions: 8, url: "${receiver}/hook", events: ["*"], headers: { "x-life": process.env.CRASH_LIFE } })],
});
`;

export class InstanceLoad {
  /** Ids of the events that were acknowledged. */
  readonly sent: string[] = [];
  readonly #receiver: Receiver;
  readonly #entities: number;
  readonly #done = new Set<string>();
  #seen = 0;

  constructor(receiver: Receiver, entities: number) {
    this.#receiver = receiver;
    this.#entities = entities;
  }

  /** One event of each entity. */
  async append(instances: () => readonly Reachable[]): Promise<void> {
    const about = { type: "thing.happened", data: {} };
    const events = Array.from({ length: this.#entities }, (_, entity) => ({ id: v7(), ...about, entity: { type: "thing", id: `e${entity}` } }));
    await appendAnywhere(instances, events);
    this.sent.push(...events.map(({ id }) => id));
  }

  /** Appends until `isOver`. */
  async keepUp(instances: () => readonly Reachable[], pauseMs: () => number, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.append(instances);
      await wait(pauseMs());
    }
  }

  /** Whether the receiver has answered all events from the `from`-th to the `to`-th. */
  isDelivered(from = 0, to = this.sent.length): boolean {
    const { history } = this.#receiver;
    for (; this.#seen < history.length; this.#seen++) if (history[this.#seen]!.kind === "answered") this.#done.add(history[this.#seen]!.call.id);
    for (let n = to - 1; n >= from; n--) if (!this.#done.has(this.sent[n]!)) return false;
    return true;
  }

  async untilDelivered(what: string, from?: number, to?: number): Promise<void> {
    await until(what, () => this.isDelivered(from, to));
  }
}
