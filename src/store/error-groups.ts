/** What operators say of error groups: mended, to be left alone, open again. */
import { withPatience } from "../delivery/journal/patience.ts";
import { recordAct } from "../delivery/journal/record-act.ts";
import { RepriseError } from "../errors.ts";
import { isBuild } from "../event/build.ts";
import { type Clock, toIso } from "../event/clock.ts";
import { type PositionText, positionText } from "../event/event.ts";
import type { NewId } from "../event/ids.ts";
import { errorGroupsStream } from "../event/names.ts";
import type { EventLog } from "../log/event-log.ts";
import type { ErrorGroupState, ErrorGroupStreamData } from "../records/error-groups.ts";
import { ownEvent } from "../records/own-event.ts";
import type { ErrorGroupView } from "../views/model/error-group.ts";
import type { Views } from "../views/model/views.ts";
import { type ActOptions, actOf, callerOf } from "./caller.ts";
import { doOnce } from "./requests/on-record.ts";

export interface ErrorGroupActOptions extends ActOptions {
  /** Needed only where handlers make the same fingerprint. */
  readonly handler?: string;
}

export interface ErrorGroupActed {
  readonly fingerprint: string;
  readonly handler: string;
  readonly state: ErrorGroupState;
  /** Of the record. */
  readonly position: PositionText;
}

/** All of them throw NOT_FOUND, and HANDLER_AMBIGUOUS where several handlers make the fingerprint. */
export interface ErrorGroupActs {
  /**
   * It is mended: a failure from now on opens it again.
   *
   * @param options.build the one that mends it, where that is still to come: failures of builds before it say nothing.
   */
  resolveErrorGroup(fingerprint: string, options?: ErrorGroupActOptions & { readonly build?: string }): Promise<ErrorGroupActed>;
  /** It stays out of the way, whatever comes. @param options.until RFC 3339, in the future; default: until somebody opens it again. @throws REQUEST_INVALID */
  ignoreErrorGroup(fingerprint: string, options?: ErrorGroupActOptions & { readonly until?: string }): Promise<ErrorGroupActed>;
  reopenErrorGroup(fingerprint: string, options?: ErrorGroupActOptions): Promise<ErrorGroupActed>;
}

interface ErrorGroupNeeds {
  readonly log: EventLog;
  readonly views: Pick<Views, "findErrorGroups" | "waitFor">;
  readonly clock: Clock;
  readonly newId: NewId;
  /** Aborted when the store closes. */
  readonly signal: AbortSignal;
}

export function makeErrorGroupActs({ log, views, clock, newId, signal }: ErrorGroupNeeds): ErrorGroupActs {
  async function act<T extends keyof ErrorGroupStreamData>(
    fingerprint: string,
    options: ErrorGroupActOptions,
    { type, state, more }: { readonly type: T; readonly state: ErrorGroupState; readonly more: object },
  ): Promise<ErrorGroupActed> {
    const { tenant } = callerOf(options);
    await views.waitFor(await log.head()); // the failure may be a moment old
    const group = oneGroup(fingerprint, await views.findErrorGroups(tenant, fingerprint), options.handler);
    if (group === undefined) throw new RepriseError("NOT_FOUND", "There is no error group with this fingerprint.");
    const { handler, state: before } = group;
    const record = {
      ...{ stream: errorGroupsStream, expected: "any" as const },
      events: [ownEvent(newId, type, { tenant, handler, fingerprint, before, ...more, act: actOf(options) })],
    };
    return withPatience(clock, async () => {
      const position = await doOnce(options, type, async () => (await recordAct({ log, clock, signal }, record)).position);
      return { fingerprint, handler, state, position: positionText(position) };
    });
  }

  return {
    resolveErrorGroup: async (fingerprint, { build, ...options } = {}) => {
      if (build !== undefined && !isBuild(build)) throw new RepriseError("REQUEST_INVALID", "The build must be a text of 1 to 64 characters without blanks.");
      return act(fingerprint, options, { type: "error_group.resolved", state: "resolved", more: { build: build ?? null } });
    },
    ignoreErrorGroup: async (fingerprint, { until, ...options } = {}) => {
      const untilMs = until === undefined ? null : Date.parse(until);
      if (untilMs !== null && !(untilMs > clock.now() || options.once?.isAgain))
        throw new RepriseError("REQUEST_INVALID", "A group is ignored until a time that is still to come.");
      const more = { until: untilMs === null ? null : toIso(untilMs) };
      return act(fingerprint, options, { type: "error_group.ignored", state: "ignored", more });
    },
    reopenErrorGroup: async (fingerprint, options = {}) => act(fingerprint, options, { type: "error_group.reopened", state: "open", more: {} }),
  };
}

/**
 * The group that is meant, of those with one fingerprint.
 *
 * @returns undefined when there is none, or none of this handler.
 * @throws HANDLER_AMBIGUOUS
 */
export function oneGroup(fingerprint: string, groups: readonly ErrorGroupView[], handler: string | undefined): ErrorGroupView | undefined {
  const meant = handler === undefined ? groups : groups.filter((group) => group.handler === handler);
  if (meant.length <= 1) return meant[0];
  const handlers = meant.map((group) => group.handler);
  throw new RepriseError("HANDLER_AMBIGUOUS", `${fingerprint} is the fingerprint of failures of ${handlers.join(", ")}.`, { fields: { handlers } });
}
