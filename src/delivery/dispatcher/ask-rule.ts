import type { AttemptOutcome } from "../attempt/attempt.ts";
import { clipChars, toAttemptError } from "../attempt/attempt-error.ts";
import { escalateType } from "../attempt/becomes.ts";
import { freezeEvent } from "../attempt/freeze-event.ts";
import { maxReasonChars } from "../handler.ts";
import type { HandlerSpec } from "../handler-spec.ts";
import type { HandlerCall } from "./handler-call.ts";

const noReason = "the handler's rule asks for a decision";

/**
 * Asks the handler's rule whether a person has to decide first. A rule that throws, or answers with anything but a reason or nothing, keeps the event from the
 * handler: what it would have said is unknown, and a call cannot be taken back. It makes a dead letter rather than an escalation, because a rule is mended
 * once for all its events, and a batch then replays them, while each escalation would take a person.
 *
 * @returns the outcome in place of a call; null: the handler may be called.
 */
export function askRule({ escalate }: Pick<HandlerSpec, "escalate">, { event, approval }: Pick<HandlerCall, "event" | "approval">): AttemptOutcome | null {
  if (escalate === null || approval !== null) return null;
  let answer: unknown;
  try {
    freezeEvent(event);
    answer = escalate(event as never);
  } catch (thrown) {
    const { type, message } = toAttemptError(thrown, event.data);
    return ruleFailed(`it threw ${type}: ${message}`);
  }
  if (!answer) return null;
  if (answer === true) return asks(noReason);
  if (typeof answer === "string") return asks(answer.trim() === "" ? noReason : answer.toWellFormed());
  if (answer instanceof Promise) answer.catch(() => {}); // nobody waits for it
  return ruleFailed(
    `it answered with ${answer instanceof Promise ? "a promise" : `a value of type ${typeof answer}`}, and not with a reason or with false at once`,
  );
}

const asks = (why: string): AttemptOutcome => ({
  kind: "escalated",
  when: "before",
  error: { type: escalateType, message: clipChars(why, maxReasonChars) },
});

const ruleFailed = (how: string): AttemptOutcome => ({
  kind: "rule_failed",
  error: { type: "EscalateRuleFailed", message: clipChars(`the handler's \`escalate\` rule failed: ${how}`, 1000) },
});
