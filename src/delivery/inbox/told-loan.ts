/** A replay's own delivery, as one instance tells another of it: monotonic times of two machines are never compared. Pure. */
import type { LoanEnd, LoanProgress } from "../partition/lane-loan.ts";

/** `dueInMs`: until the next attempt; null: now. */
export type ToldProgress = Omit<LoanProgress, "dueMs"> & { readonly dueInMs: number | null };

export type ToldLoanEnd = Exclude<LoanEnd, { kind: "withdrawn" }> | { readonly kind: "withdrawn"; readonly progress: ToldProgress; readonly awaitsTurn?: true };

export function toldProgress({ dueMs, ...progress }: LoanProgress, nowMs: number): ToldProgress {
  return { ...progress, dueInMs: dueMs === null ? null : Math.max(0, dueMs - nowMs) };
}

export function heardProgress({ dueInMs, ...progress }: ToldProgress, nowMs: number): LoanProgress {
  return { ...progress, dueMs: dueInMs === null ? null : nowMs + dueInMs };
}

export function toTold(end: LoanEnd, nowMs: number): ToldLoanEnd {
  if (end.kind === "withdrawn") return { ...end, progress: toldProgress(end.progress, nowMs) };
  if (end.kind !== "completed") return end;
  const { log: _, responseHead: __, ...record } = end.record; // of a delivery that went well nobody asks for them
  return { ...end, record };
}

export function fromTold(end: ToldLoanEnd, nowMs: number): LoanEnd {
  return end.kind === "withdrawn" ? { ...end, progress: heardProgress(end.progress, nowMs) } : end;
}
