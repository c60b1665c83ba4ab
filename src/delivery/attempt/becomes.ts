import type { AttemptError } from "../../records/attempt.ts";
import type { Escalation } from "../../records/escalation.ts";
import { maxReasonChars, type OnExhausted } from "../handler.ts";
import type { Becomes } from "../partition/verdict.ts";
import { clipChars } from "./attempt-error.ts";

/** The error's type where a rule or a handler asks for a person: its message is the reason. */
export const escalateType = "Escalate";

/** What becomes of a delivery that is given up, by its policy. @param when whether the handler was called. `nowMs`: wall clock. */
export function becomes(
  onExhausted: OnExhausted,
  { type, message }: AttemptError,
  { when, nowMs }: { readonly when: Escalation["when"]; readonly nowMs: number },
): Becomes {
  if (onExhausted !== "escalate") return { becomes: onExhausted };
  return { becomes: "escalate", when, why: clipChars(type === escalateType ? message : `${type}: ${message}`, maxReasonChars), nowMs };
}
