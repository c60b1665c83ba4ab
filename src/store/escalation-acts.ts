/** What people decide of deliveries that wait for them. */
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { isRepriseError, RepriseError } from "../errors.ts";
import { type PositionText as Position, positionText } from "../event/event.ts";
import type { AppendedEvent, EventLog } from "../log/event-log.ts";
import type { Act } from "../records/act.ts";
import type { EscalationView } from "../views/model/escalation.ts";
import type { Views } from "../views/model/views.ts";
import { actOf, callerOf, type FinalActOptions } from "./caller.ts";
import { recorded } from "./requests/on-record.ts";

export interface EscalationDecided {
  /** As it is now. */
  readonly escalation: EscalationView;
  readonly position: Position;
}

export interface EscalationActs {
  /**
   * Lets a delivery run that waits for a decision: once, through its own lane, without being asked about again. It is on record when this resolves, and runs
   * also when the process ends before.
   *
   * @throws NOT_FOUND when the delivery was never escalated, ALREADY_DECIDED, LETTER_NOT_FIRST.
   */
  approveEscalation(deliveryId: string, options: FinalActOptions): Promise<EscalationDecided>;
  /** Discards a delivery that waits for a decision, and releases what it holds. @throws NOT_FOUND, ALREADY_DECIDED */
  rejectEscalation(deliveryId: string, options: FinalActOptions): Promise<EscalationDecided>;
}

interface EscalationNeeds {
  readonly log: EventLog;
  readonly views: Pick<Views, "waitFor" | "escalation">;
  readonly delivery: RunningHandlers;
}

const verbs = {
  approved: { record: "delivery.decided", act: "approve" },
  rejected: { record: "delivery.settled", act: "reject" },
} as const;

export function makeEscalationActs({ log, views, delivery }: EscalationNeeds): EscalationActs {
  async function now(tenant: string, deliveryId: string): Promise<EscalationView> {
    await views.waitFor(await log.head());
    const found = await views.escalation(tenant, deliveryId);
    if (found === undefined) throw new RepriseError("NOT_FOUND", `No delivery ${deliveryId} waits, or waited, for a decision.`);
    return found;
  }

  async function store(verb: "approve" | "reject", { handler, stream, revision }: EscalationView, act: Act): Promise<AppendedEvent | null> {
    try {
      return await delivery.must(handler).letters[verb](stream, revision, act);
    } catch (error) {
      // Somebody else, or its time, has decided since the rows were read.
      if (isRepriseError(error, "ALREADY_DECIDED", "NOT_DEAD_LETTERED")) return null;
      throw error;
    }
  }

  async function decide(deliveryId: string, decision: "approved" | "rejected", options: FinalActOptions): Promise<EscalationDecided> {
    const { tenant, actor } = callerOf(options);
    const found = await now(tenant, deliveryId);
    const { record, act } = verbs[decision];
    const [done] = await recorded(options, record);
    if (done !== undefined) return { escalation: found, position: positionText(done.position) };
    if (found.status !== "open") throw decidedAlready(found);
    const stored = await store(act, found, actOf(options));
    if (stored === null) throw decidedAlready(await now(tenant, deliveryId));
    const escalation = { ...found, status: decision, decidedAt: stored.recordedAt, decidedBy: actor, reason: options.reason };
    return { escalation, position: positionText(stored.position) };
  }

  return {
    approveEscalation: async (deliveryId, options) => decide(deliveryId, "approved", options),
    rejectEscalation: async (deliveryId, options) => decide(deliveryId, "rejected", options),
  };
}

function decidedAlready({ status, decidedAt, decidedBy }: EscalationView): RepriseError {
  const by = decidedBy === null ? "" : ` by ${decidedBy}`;
  return new RepriseError("ALREADY_DECIDED", `The delivery is ${status}${by}${decidedAt === null ? "" : ` since ${decidedAt}`}.`, {
    fields: { decision: status, decided_by: decidedBy, decided_at: decidedAt },
  });
}
