/** A decision that a dead letter waits for, as the journal's fold and the lane at work both keep it. Pure. */
import { toIso } from "../../event/clock.ts";
import type { Escalation, OnDue, ToldOfDecision } from "../../records/escalation.ts";
import type { DecisionTimes } from "../policy/decision-times.ts";

export interface OpenDecision {
  /** Of a split event: the part that it is about. */
  readonly part: number | null;
  /** Wall clock, ms; null: the first builds set no time. */
  readonly dueAt: number | null;
  readonly dueInMs: number;
  readonly onDue: OnDue;
  told: ToldOfDecision;
}

/** What the record of a dead letter says of it. */
export interface Escalated {
  readonly escalated: boolean;
  readonly escalation?: Escalation;
  readonly part?: number;
}

/** The part of its time after which it is due soon. */
const soonShare = 0.8;

export function decisionOf({ escalated, escalation, part }: Escalated): OpenDecision | null {
  if (!escalated) return null;
  const times = escalation === undefined ? noTimes : { dueAt: Date.parse(escalation.dueAt), dueInMs: escalation.dueInMs, onDue: escalation.onDue };
  return { part: part ?? null, ...times, told: "opened" };
}

const noTimes = { dueAt: null, dueInMs: 0, onDue: "wait" } as const;

/** How long it has left; null: for ever. A clock that was set back meanwhile gives it no more than it had. */
export function leftMs({ dueAt, dueInMs }: OpenDecision, nowMs: number): number | null {
  return dueAt === null ? null : Math.min(Math.max(0, dueAt - nowMs), dueInMs);
}

/** When there is something to tell of it next; null: all is told. @param dueMs when it is due, on the same clock as the answer. */
export function nextWordMs({ dueInMs, told }: OpenDecision, dueMs: number): number | null {
  if (told === "due") return null;
  return told === "due_soon" ? dueMs : dueMs - dueInMs * (1 - soonShare);
}

/** What the record of a dead letter says of the decision that it waits for from now on. @param nowMs wall clock. */
export function escalatedNow({ dueInMs, onDue }: DecisionTimes, { when, why, nowMs }: Pick<Escalation, "when" | "why"> & { readonly nowMs: number }) {
  return { escalated: true, escalation: { when, why, dueAt: toIso(nowMs + dueInMs), dueInMs, onDue } } as const;
}
