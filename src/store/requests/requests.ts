/**
 * Requests that may come again, each done once (docs/rules.md, Requests that come again). A request is begun in a stream of its own before anything of it is
 * done, by an append that only one can win, and its answer is stored there before it is given. One without an answer is done again when it comes again: its acts
 * find what an earlier try has on record.
 */

import { type Patience, withPatience } from "../../delivery/journal/patience.ts";
import { isLogTrouble, isRepriseError, RepriseError } from "../../errors.ts";
import type { Clock } from "../../event/clock.ts";
import { idInRequest, type NewId } from "../../event/ids.ts";
import { backOff } from "../../event/waits.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { OnceOnly } from "../caller.ts";
import { recordsOf } from "./on-record.ts";
import type { OtherLives } from "./other-lives.ts";
import { type KeptAnswer, makeRequestLog, type StoredRequest } from "./request-log.ts";

/** How long a request is kept, from its first try on. */
export const keptMs = 24 * 60 * 60 * 1000;

export interface AskedRequest {
  /** Whose request it is and which: a hash of tenant, API key, route and Idempotency-Key. */
  readonly id: string;
  /** A hash of what it asks for. */
  readonly asks: string;
}

/** A request under way in this process. */
export interface BegunRequest {
  readonly once: OnceOnly;
  /** Looks for records of earlier tries again. @returns whether there are more than `once.records` has told so far. */
  look(): Promise<boolean>;
  /**
   * Stores the answer, before it is given. The request is not under way any more.
   *
   * @returns the answer to give: another one when another process has answered meanwhile.
   */
  answer(answer: KeptAnswer): Promise<KeptAnswer>;
  /** There is no answer to keep: the request is done again when it comes again. */
  leave(): void;
}

export interface Requests {
  /** @throws IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_IN_PROGRESS, LOG_UNAVAILABLE, LOG_FULL */
  begin(asked: AskedRequest): Promise<BegunRequest | KeptAnswer>;
}

export interface RequestsNeeds {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly newId: NewId;
  /** Of this process. */
  readonly life: string;
  readonly others: OtherLives;
  /** Told when an answer could not be stored; it was given all the same. */
  readonly onUnkept: (error: unknown) => void;
  /** Told of the first request, before it is begun. */
  readonly onFirst: () => Promise<void>;
  /** Aborted when the store closes. */
  readonly signal: AbortSignal;
}

/** How many others may be first. Each of them has begun the request, or answered it. */
const maxConflicts = 10;
/** Waits while an answer cannot be stored, within an act's patience. */
const waits = { firstMs: 50, lastMs: 1000 };

export function makeRequests(needs: RequestsNeeds): Requests {
  const { log, clock, newId, life, others, onUnkept, onFirst, signal } = needs;
  const stream = makeRequestLog(log, newId);
  /** What each request under way asks for. */
  const underWay = new Map<string, string>();
  let first: Promise<void> | null = null;

  /** @returns where its stream is then; or the answer that it has. */
  async function claim({ id, asks }: AskedRequest): Promise<(StoredRequest & { readonly isAgain: boolean }) | KeptAnswer> {
    let known: StoredRequest | null = null;
    let revision = -1;
    for (let conflicts = 0; ; conflicts++) {
      const again = known !== null && !isOver(known) ? known : null;
      if (again !== null) {
        if (again.asks !== asks) throw reused();
        if (again.answer !== null) return again.answer;
        if (again.life === life) return { ...again, isAgain: true };
        if (!(await others.isGone(again.life))) throw inProgress();
      }
      const actId = again?.actId ?? newId();
      const before = again === null ? {} : { first: { position: again.first.position.toString(), at: again.first.at } };
      try {
        const at = await withPatience(clock, () => stream.begin(id, { actId, asks, life, ...before }, revision));
        const since = again?.first ?? { position: at.position, at: at.recordedAt };
        return { actId, asks, life, first: since, answer: null, revision: at.revision, isAgain: again !== null };
      } catch (error) {
        if (!isRepriseError(error, "REVISION_CONFLICT") || conflicts === maxConflicts) throw error;
        known = await stream.read(id);
        revision = known?.revision ?? (await stream.revision(id));
      }
    }
  }

  function isOver({ first: { at } }: StoredRequest): boolean {
    return clock.now() - Date.parse(at) >= keptMs;
  }

  /** @throws IDEMPOTENCY_IN_PROGRESS when another process has taken it over and has no answer yet. */
  async function keep(id: string, answer: KeptAnswer, revision: number): Promise<KeptAnswer> {
    const parts = stream.partsOf(answer);
    const store = async (patience: Patience): Promise<KeptAnswer> => {
      for (let failures = 0; ; failures++)
        try {
          await stream.answer(id, parts, revision);
          return answer;
        } catch (error) {
          if (isRepriseError(error, "REVISION_CONFLICT")) return (await stream.read(id))?.answer ?? Promise.reject(inProgress());
          if (!isLogTrouble(error)) throw error;
          await backOff(failures, waits, clock, signal);
          if (patience.over || signal.aborted) throw error;
        }
    };
    try {
      return await withPatience(clock, store);
    } catch (error) {
      if (isRepriseError(error, "IDEMPOTENCY_IN_PROGRESS")) throw error;
      onUnkept(error);
      return answer;
    }
  }

  return {
    async begin(asked) {
      const { id, asks } = asked;
      const running = underWay.get(id);
      if (running !== undefined) throw running === asks ? inProgress() : reused();
      underWay.set(id, asks);
      try {
        first ??= onFirst();
        await first.catch(() => (first = null));
        const claimed = await claim(asked);
        if ("body" in claimed) {
          underWay.delete(id);
          return claimed;
        }
        return begun(asked, claimed);
      } catch (error) {
        underWay.delete(id);
        throw error;
      }
    },
  };

  function begun({ id, asks }: AskedRequest, { actId, first: { position }, revision, isAgain }: StoredRequest & { readonly isAgain: boolean }): BegunRequest {
    let records: ReturnType<OnceOnly["records"]> | null = null;
    const once: OnceOnly = {
      ...{ actId, isAgain },
      records: () => (records ??= recordsOf(log, actId, position, signal)),
      eventId: (index) => idInRequest(`${id}\n${asks}`, index),
    };
    return {
      once,
      async look() {
        const before = records === null ? 0 : (await records).length;
        records = null;
        return (await once.records()).length > before;
      },
      async answer(answer) {
        try {
          return await keep(id, answer, revision);
        } finally {
          underWay.delete(id);
        }
      },
      leave: () => void underWay.delete(id),
    };
  }
}

function reused(): RepriseError {
  return new RepriseError("IDEMPOTENCY_KEY_REUSED", "This Idempotency-Key came with another request to this route in the last 24 hours.");
}

function inProgress(): RepriseError {
  return new RepriseError("IDEMPOTENCY_IN_PROGRESS", "The first request with this Idempotency-Key is still under way.", { retryAfterMs: 1000 });
}
