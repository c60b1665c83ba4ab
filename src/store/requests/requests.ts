/**
 * Requests that may come again, each done once (docs/rules.md, Requests that come again). A request is begun in a stream of its own before anything of it is
 * done, by an append that only one can win, and its answer is stored there before it is given. One without an answer is done again when it comes again: its acts
 * find what an earlier try has on record.
 */

import type { Clock } from "../../event/clock.ts";
import { idInRequest, type NewId } from "../../event/ids.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { OnceOnly } from "../caller.ts";
import { type AskedRequest, type ClaimedRequest, claim, inProgress, reused } from "./claim.ts";
import { keepAnswer } from "./keep-answer.ts";
import { recordsOf } from "./on-record.ts";
import type { OtherLives } from "./other-lives.ts";
import { type KeptAnswer, makeRequestLog } from "./request-log.ts";

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
  /** Told when an answer could not be stored; it is given all the same, because what it says was done. */
  readonly onUnkept: (error: unknown) => void;
  /** Told of the first request, before it is begun. */
  readonly onFirst: () => Promise<void>;
  /** Aborted when the store closes. */
  readonly signal: AbortSignal;
}

export function makeRequests(needs: RequestsNeeds): Requests {
  const { log, newId, onFirst, signal } = needs;
  const stream = makeRequestLog(log, newId);
  /** What each request under way asks for. */
  const underWay = new Map<string, string>();
  let first: Promise<unknown> | null = null;

  function begun({ id, asks }: AskedRequest, { actId, first: { position }, revision, isAgain }: ClaimedRequest): BegunRequest {
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
          return await keepAnswer({ ...needs, stream }, id, answer, revision);
        } finally {
          underWay.delete(id);
        }
      },
      leave: () => void underWay.delete(id),
    };
  }

  return {
    async begin(asked) {
      const { id, asks } = asked;
      const running = underWay.get(id);
      if (running !== undefined) throw running === asks ? inProgress() : reused();
      underWay.set(id, asks);
      let claimed: ClaimedRequest | KeptAnswer | null = null;
      try {
        // What it does may wait: it is tried again with the next request.
        await (first ??= onFirst().catch(() => (first = null)));
        claimed = await claim({ ...needs, stream }, asked);
        return "body" in claimed ? claimed : begun(asked, claimed);
      } finally {
        if (claimed === null || "body" in claimed) underWay.delete(id);
      }
    },
  };
}
