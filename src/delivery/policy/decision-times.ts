import type { Escalation } from "../../records/escalation.ts";

/** How long a handler's decisions may take, and what becomes of those that take longer. */
export type DecisionTimes = Pick<Escalation, "dueInMs" | "onDue">;

/** A day, for somebody who is at work tomorrow. */
export const defaultTimes: DecisionTimes = { dueInMs: 86_400_000, onDue: "wait" };
