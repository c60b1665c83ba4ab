/**
 * Removes requests from the log once they are too old to count. `reprise.requests` says up to where that is done, so that a sweep reads what lies between that
 * place and a day ago, and a log that has none of them is not read at all.
 */
import type { Clock } from "../../event/clock.ts";
import type { Position } from "../../event/event.ts";
import type { NewId } from "../../event/ids.ts";
import { forgottenStream, requestStream } from "../../event/names.ts";
import { pause } from "../../event/waits.ts";
import type { EventLog } from "../../log/event-log.ts";
import { ownEvent } from "../../records/own-event.ts";
import type { ForgottenStreamData } from "../../records/request.ts";
import { keptMs } from "./claim.ts";

export interface ForgetNeeds {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly onTrouble: (error: unknown) => void;
  /** Aborted when the store closes. */
  readonly signal: AbortSignal;
}

export interface Forgetting {
  /** Remembers where the first request of the log stands. */
  begun(): Promise<void>;
  /** Removes what is too old. @returns how many streams were emptied; one whose events the log gives in two batches counts twice. */
  sweep(): Promise<number>;
  /** Sweeps each hour until the store closes. */
  start(): void;
}

const firstSweepMs = 5 * 60_000;
const betweenSweepsMs = 60 * 60_000;
/** Streams that are emptied at once: they share commits. */
const atOnce = 32;

export function makeForgetting({ log, clock, newId, onTrouble, signal }: ForgetNeeds): Forgetting {
  async function marked(): Promise<{ readonly through: Position; readonly revision: number } | null> {
    for await (const [event] of log.readStream(forgottenStream, { direction: "backward", limit: 1 }))
      if (event !== undefined)
        return { through: BigInt((event.data as unknown as ForgottenStreamData["requests.forgotten"]).through), revision: event.revision };
    return null;
  }

  async function mark(through: Position, revision: number): Promise<void> {
    const data = { through: through.toString() } satisfies ForgottenStreamData["requests.forgotten"];
    const [at] = await log.append(forgottenStream, [ownEvent(newId, "requests.forgotten", data)], revision === -1 ? "none" : revision);
    await log.truncate(forgottenStream, at!.revision);
  }

  async function sweep(): Promise<number> {
    const from = await marked();
    if (from === null) return 0;
    const until = clock.now() - keptMs;
    let through = from.through;
    let emptied = 0;
    for await (const batch of log.readAll({ after: from.through, filter: { streamPrefixes: [requestStream("")] }, signal })) {
      const old = batch.filter(({ recordedAt }) => Date.parse(recordedAt) < until);
      /** A stream goes up to what of it is old: a request may have come since. */
      const last = new Map(old.map(({ stream, revision }) => [stream, revision] as const));
      const streams = [...last];
      for (let done = 0; done < streams.length; done += atOnce)
        await Promise.all(streams.slice(done, done + atOnce).map(([stream, revision]) => log.truncate(stream, revision + 1, "shown")));
      emptied += streams.length;
      through = old.at(-1)?.position ?? through;
      if (old.length < batch.length) break;
    }
    if (through > from.through) await mark(through, from.revision);
    return emptied;
  }

  async function run(): Promise<void> {
    for (let waitMs = firstSweepMs; ; waitMs = betweenSweepsMs) {
      await pause(waitMs, clock, signal);
      if (signal.aborted) return;
      await sweep().catch((error: unknown) => (signal.aborted ? undefined : onTrouble(error)));
    }
  }

  return {
    async begun() {
      if ((await marked()) === null) await mark(await log.head(), -1);
    },
    sweep,
    start: () => void run(),
  };
}
