/** Producers that append over HTTP with ids of their own, and repeat what they have no answer to. */
import { setTimeout as wait } from "node:timers/promises";
import { v4 } from "uuid";
import type { AppendReply } from "../../src/http/wire/events.ts";
import { post } from "./crash-service.ts";

export interface Acknowledged {
  readonly id: string;
  readonly type: string;
  readonly entity: string;
  readonly revision: number;
}

export interface LoadOptions {
  readonly random: () => number;
  readonly entities: number;
  readonly types: readonly string[];
  /** Requests in flight at once. */
  readonly producers: number;
  readonly onMoment?: (kind: "sent" | "acknowledged") => void;
}

export class Load {
  readonly acknowledged: Acknowledged[] = [];
  /** What an answer said that it must not say. */
  readonly broken: string[] = [];
  /** Requests sent again, because nobody knows what became of the first one. */
  repeated = 0;
  /** Position of the last acknowledged event. */
  position = "0";
  readonly #options: LoadOptions;
  #allowed = 0;
  #more = Promise.withResolvers<void>();
  #ended = false;
  #url: string | null = null;
  #moved = Promise.withResolvers<void>();
  readonly #producers: Promise<unknown>;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#producers = Promise.all(Array.from({ length: options.producers }, () => this.#produce()));
  }

  /** Where the service is now; null: nowhere, and whoever has something to send waits. */
  sendTo(url: string | null): void {
    this.#url = url;
    this.#moved.resolve();
    this.#moved = Promise.withResolvers();
  }

  /** Lets so many further requests be sent. */
  allow(requests: number): void {
    this.#allowed = requests;
    this.#more.resolve();
    this.#more = Promise.withResolvers();
  }

  /** Sends nothing new, and waits until all that was sent is acknowledged. */
  async end(): Promise<void> {
    this.#ended = true;
    this.allow(0);
    await this.#producers;
  }

  async #produce(): Promise<void> {
    while (!this.#ended) {
      if (this.#allowed-- > 0) await this.#append();
      else await this.#more.promise;
    }
  }

  async #append(): Promise<void> {
    const { random, entities, types, onMoment = () => {} } = this.#options;
    const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
    // Mostly one event; else several, of one entity or two.
    const count = random() < 0.7 ? 1 : 2 + Math.floor(random() * 3);
    const among = [0, 1].map(() => `e${Math.floor(random() * entities)}`);
    const uuid = () => v4({ random: Uint8Array.from({ length: 16 }, () => Math.floor(random() * 256)) });
    const events = Array.from({ length: count }, () => ({ id: uuid(), type: pick(types), entity: { type: "thing", id: pick(among) }, data: { n: random() } }));
    for (let tries = 1; ; tries++) {
      while (this.#url === null) await this.#moved.promise;
      onMoment("sent");
      const answer = await post<AppendReply>(this.#url, "/events", { events }).catch(() => null);
      if (answer?.status !== 201) {
        // Not 503 and not cut off: it was judged, and judged wrongly.
        if (answer !== null && answer.status !== 503) this.broken.push(`an append was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
        if (this.broken.length > 0) return;
        this.repeated++;
        await wait(5);
        continue;
      }
      for (const [index, { id, revision, position, duplicate }] of answer.body.events.entries()) {
        const { type, entity, id: sent } = events[index]!;
        if (id !== sent) this.broken.push(`${sent} was answered as ${id}`);
        if (duplicate && tries === 1) this.broken.push(`${id} is a duplicate of nothing`);
        this.acknowledged.push({ id, type, entity: `thing/${entity.id}`, revision });
        if (BigInt(position) > BigInt(this.position)) this.position = position;
      }
      onMoment("acknowledged");
      return;
    }
  }
}
