import type { PlanReply } from "../../../http/wire/plans.ts";
import { hint, type Session } from "../../command.ts";
import { durationText, failureText, fields, json, printOne, section, tableSection, timeText } from "../../print.ts";

export function printPlan(session: Session, plan: PlanReply): void {
  printOne(session.terminal, session, plan, plan.plan_id, (width) => planText(plan, width));
  const rate = plan.rate_per_second === null ? "" : ` --rate ${plan.rate_per_second}`;
  if (plan.used === null) hint(session, `\nTo run it: reprise replay run ${plan.plan_id}${rate} --reason …`);
}

function planText(plan: PlanReply, width: number | undefined): string {
  return [
    fields([
      ["plan", plan.plan_id],
      ["used", plan.used && `by ${plan.used.actor}, as replay ${plan.used.replay_id}`],
      ["expires", timeText(plan.expires_at)],
      ["target handler", plan.target_handler],
      ["deliveries", plan.deliveries],
      ["entities", plan.entities],
      ["dead letters", plan.dead_letters],
      ["releases", plan.releases],
      ["invalid", plan.invalid_total],
      ["rate", plan.rate_per_second === null ? null : `${plan.rate_per_second}/s`],
      ["takes about", plan.estimated_seconds === null ? null : durationText(plan.estimated_seconds)],
    ]),
    tableSection(
      "by handler",
      plan.by_handler,
      [
        ["HANDLER", ({ handler }) => handler],
        ["DELIVERIES", ({ deliveries }) => deliveries],
        ["ENTITIES", ({ entities }) => entities],
      ],
      width,
    ),
    tableSection(
      "by error",
      plan.by_error,
      [
        ["COUNT", ({ count }) => count],
        ["ERROR", ({ error }) => error, ({ error }) => [error]],
      ],
      width,
    ),
    tableSection(
      "not eligible",
      plan.ineligible,
      [
        ["COUNT", ({ count }) => count],
        ["REASON", ({ reason }) => reason],
      ],
      width,
    ),
    tableSection(
      plan.invalid_total > plan.invalid.length ? `cannot be lifted (first ${plan.invalid.length} of ${plan.invalid_total})` : "cannot be lifted",
      plan.invalid,
      [
        ["EVENT", ({ event_id }) => event_id],
        ["STEP", ({ step }) => step],
        ["ERROR", ({ error }) => failureText(error), ({ error }) => [failureText(error)]],
      ],
      width,
    ),
    ...plan.samples.map(({ event_id, stored, current }) =>
      section(
        `sample ${event_id}: ${stored.type} v${stored.schema_version}${current === null ? "" : ` → v${current.schema_version}`}`,
        current === null || current.schema_version === stored.schema_version ? json(stored.data) : `${json(stored.data)}→\n${json(current.data)}`,
      ),
    ),
  ].join("");
}
