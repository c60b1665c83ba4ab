/** What `replay run` runs: a plan that was made before, or one that is made now of what a filter matches, and shown. */
import type { PlanReply } from "../../../http/wire/plans.ts";
import { at, type Query } from "../../client.ts";
import { deadLetterFilters, hint, queryOf, type Session } from "../../command.ts";
import { exit, Failure, usage } from "../../exit.ts";
import { countText, durationText, fields, printOne, tableSection } from "../../print.ts";
import { wholeId } from "../../whole-id.ts";
import { numberOf } from "./number-of.ts";

export interface PlanChoice {
  readonly plan?: string;
  readonly reason?: string;
  readonly rate?: string;
  readonly dryRun?: boolean;
}

/** The service takes no more. */
const maxReasonCharacters = 500;

export async function choosePlan(
  session: Session,
  named: string | undefined,
  options: PlanChoice,
): Promise<{ readonly plan: PlanReply; readonly reason: string }> {
  const filter = await queryOf(session, deadLetterFilters, { ...options });
  const filtered = Object.keys(filter).length > 0;
  const planId = named ?? options.plan;
  if (named !== undefined && options.plan !== undefined) throw usage("Name the plan once: as the argument, or with --plan.");
  if (planId !== undefined && filtered) throw usage("Name a plan or a filter, not both: what a plan lists is fixed.");
  if (planId !== undefined) {
    if (options.reason === undefined) throw usage("Say why, for the record: --reason <text>.");
    const whole = await wholeId(session.client, "plan", planId);
    return { plan: await session.client.get<PlanReply>(at`/replays/plans/${whole}`), reason: options.reason };
  }
  if (!filtered) throw usage("Say what to run: a plan's id, or a filter such as --handler or --error.");
  if (!session.yes && !session.terminal.interactive && !options.dryRun)
    throw new Failure(exit.refused, "Nobody can be asked whether to deliver all that the filter matches again.\nAdd --yes to say that it is meant.");
  const reason = options.reason ?? commandText(filter);
  const rate = options.rate === "none" ? undefined : numberOf("--rate", options.rate);
  const { reply: plan } = await session.client.post<PlanReply>("/replays/plan", { body: { selection: { dead_letters: filter }, rate_per_second: rate } });
  if (session.terminal.interactive && plan.deliveries > 0) hint(session, previewText(plan, reason, session.terminal.columns));
  return { plan, reason };
}

/** `500 events of 480 entities again, and then 12 events that wait behind them`. */
export function amountText({ deliveries, entities, releases }: PlanReply): string {
  const of = entities === 1 ? "1 entity" : `${entities} entities`;
  return `${countText(deliveries, "event")} of ${of} again${releases === 0 ? "" : `, and then ${countText(releases, "event")} held behind them`}`;
}

/** What was matched cannot be delivered, or nothing was matched. */
export function printNothingToRun(session: Session, plan: PlanReply): void {
  printOne(session.terminal, session, plan, plan.plan_id, (width) =>
    plan.dead_letters === 0 && plan.invalid_total === 0 ? "No dead letter matches.\n" : `There is nothing to deliver.\n${leftText(plan, width)}`,
  );
}

/** The act says itself what it is about, where nobody said why. */
function commandText(filter: Query): string {
  const flags = Object.entries(filter).map(([name, value]) => ` --${name.replaceAll("_", "-")} ${value}`);
  return `replay run${flags.join("")}`.slice(0, maxReasonCharacters);
}

function previewText(plan: PlanReply, reason: string, width: number | undefined): string {
  return (
    fields([
      ["plan", plan.plan_id],
      ["deliveries", plan.deliveries],
      ["entities", plan.entities],
      ["releases", plan.releases],
      ["rate", plan.rate_per_second === null ? null : `${plan.rate_per_second}/s`],
      ["takes about", plan.estimated_seconds === null ? null : durationText(plan.estimated_seconds)],
      ["reason", reason],
    ]) + leftText(plan, width)
  );
}

function leftText(plan: PlanReply, width: number | undefined): string {
  const left = plan.invalid_total === 0 ? [] : [{ reason: `cannot be lifted: reprise replay show ${plan.plan_id}`, count: plan.invalid_total }];
  return tableSection(
    "left alone",
    [...plan.ineligible, ...left],
    [
      ["COUNT", ({ count }) => count],
      ["WHY", ({ reason }) => reason, ({ reason }) => [reason]],
    ],
    width,
  );
}
