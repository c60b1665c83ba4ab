/** One answer that goes on: server-sent events to one reader (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
import type { ServerResponse } from "node:http";
import type { Server } from "node:net";
import type { Clock } from "../event/clock.ts";
import { within } from "../event/waits.ts";
import type { Followed } from "../store/following/following.ts";
import type { FollowEnd, Sink } from "../store/following/reader.ts";

export const streamType = "text/event-stream";

/** A comment so often, so that proxies and readers know that the connection lives. */
const commentEveryMs = 15_000;
/** How often it is looked whether the stream may go on. */
const lookEveryMs = 1000;
/** A reader that takes nothing for so long, while something waits for it, is cut off. */
const patienceMs = 60_000;
/** How long a reader may take for the end of its stream; and when the service waits for that. */
const lastWordMs = 10_000;
const stopMs = 1000;
/** Browsers come back after so long. One whose place is gone would be told the same again. */
const retryMs = 1000;
const retryWhenGoneMs = 60_000;

export interface EventStreamOptions {
  readonly clock: Clock;
  /** Begins the answer: its head is still to be written. */
  readonly open: () => void;
  /** Whether the reader may still be told what it asked for. */
  readonly mayGoOn: () => boolean;
}

export class EventStream implements Sink {
  readonly #response: ServerResponse;
  readonly #options: EventStreamOptions;
  readonly #leaving = new AbortController();
  #onDrained = () => {};
  #isOpen = false;
  #hasSent = false;
  #blockedSinceMs: number | null = null;

  constructor(response: ServerResponse, options: EventStreamOptions) {
    this.#response = response;
    this.#options = options;
    response.once("close", () => this.#leaving.abort());
    response.on("drain", () => {
      this.#blockedSinceMs = null;
      this.#onDrained();
    });
  }

  /** Aborted when the reader has gone. */
  get left(): AbortSignal {
    return this.#leaving.signal;
  }

  onDrained(call: () => void): void {
    this.#onDrained = call;
  }

  send(message: Uint8Array, id: string): boolean {
    if (this.#response.writableEnded || this.#response.destroyed) return false;
    this.#hasSent = true;
    this.#open();
    this.#response.cork();
    this.#response.write(`id: ${id}\n`);
    const takesMore = this.#response.write(message);
    process.nextTick(() => this.#response.uncork());
    if (!takesMore) this.#blockedSinceMs ??= this.#options.clock.monotonicMs();
    return takesMore;
  }

  /** Tells the reader what it follows, until one of both ends it. */
  async follow(followed: Followed): Promise<void> {
    this.#open();
    // A reader that loses the connection before the first message comes back to here.
    if (!this.#hasSent) this.#response.write(`: from here on\nid: ${followed.from}\n\n`);
    const look = this.#lookAfter(followed);
    const why = await followed.ended;
    look.cancel();
    await this.#end(why);
  }

  /** Ends the stream because the service stops. */
  async close(): Promise<void> {
    await this.#end("closed");
    this.#leaving.abort();
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#options.open();
    const headers = { "content-type": streamType, "cache-control": "no-store", "x-accel-buffering": "no" };
    this.#response.writeHead(200, headers).write(`retry: ${retryMs}\n\n`);
  }

  /** Sends a comment now and then, and ends the stream of who may not go on, or takes nothing. */
  #lookAfter(followed: Followed): { cancel(): void } {
    const { clock, mayGoOn } = this.#options;
    let saidMs = clock.monotonicMs();
    let timer = clock.after(lookEveryMs, look);
    const response = this.#response;
    const blockedSince = () => this.#blockedSinceMs;
    const leave = (): void => this.#leaving.abort();
    const finish = (): void => void this.#end("closed").then(leave);
    function look(): void {
      timer = clock.after(lookEveryMs, look);
      const nowMs = clock.monotonicMs();
      const sinceMs = blockedSince();
      const isTooSlow = sinceMs !== null && nowMs - sinceMs >= patienceMs;
      // A server of somebody else's that closes waits for its answers to end, and tells nobody.
      const isServed = (response.socket as { readonly server?: Server } | null)?.server?.listening !== false;
      if (isTooSlow) response.destroy();
      else if (!isServed || !mayGoOn()) finish();
      if (response.writableEnded || nowMs - saidMs < commentEveryMs || sinceMs !== null) return;
      saidMs = nowMs;
      const place = followed.place();
      response.write(`: still here\n${place === null ? "" : `id: ${place}\n`}\n`);
    }
    return { cancel: () => timer.cancel() };
  }

  async #end(why: FollowEnd): Promise<void> {
    const response = this.#response;
    if (response.writableEnded || response.destroyed) return;
    response.end(lastWords[why]);
    const ended = new Promise<boolean>((resolve) => response.once("close", () => resolve(true)).once("finish", () => resolve(true)));
    if (!(await within(ended, why === "closed" ? stopMs : lastWordMs, this.#options.clock, () => false))) response.destroy();
  }
}

/** No message has an id: the reader comes back to where it was. */
const lastWords: Readonly<Record<FollowEnd, string>> = {
  behind: `event: behind\ndata: ${JSON.stringify({ detail: "More than 1 MiB waits for this reader. Come back with the id of the last message." })}\n\n`,
  gone: `retry: ${retryWhenGoneMs}\nevent: gone\ndata: ${JSON.stringify({ detail: "The log does not have this position: begin with another, or with none." })}\n\n`,
  closed: ": the stream ends here\n\n",
  left: "",
};
