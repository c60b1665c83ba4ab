import type { Command } from "commander";
import type { DeadLetterDetailReply } from "../../../http/wire/dead-letters-replies.ts";
import type { AttemptReply } from "../../../http/wire/deliveries.ts";
import { at } from "../../client.ts";
import { addFilters, hint, openSession, queryOf, type World } from "../../command.ts";
import { actColumns } from "../../delivery-acts.ts";
import { failureText, fields, hasData, json, printOne, section, tableSection, timeText, verbatim } from "../../print.ts";
import { wholeId } from "../../whole-id.ts";
import { amendmentText } from "./amend.ts";

export function addShow(dlq: Command, world: World): void {
  addFilters(dlq.command("show <id>").description("show one dead letter, by event or delivery id"), ["handler", "after"]).action(
    async (id, options, command) => {
      const session = openSession(command, world);
      const letter = await session.client.get<DeadLetterDetailReply>(
        at`/admin/dlq/${await wholeId(session.client, "letter", id)}`,
        await queryOf(session, ["handler", "after"], options),
      );
      printOne(session.terminal, session, letter, letter.delivery_id, (width) => letterText(letter, width));
      hint(
        session,
        `\nTo deliver it again: reprise dlq replay ${letter.delivery_id} --reason …\nTo give it other data first: reprise dlq amend ${letter.delivery_id} --data @file.json --reason …\nTo give it up: reprise dlq discard ${letter.delivery_id} --reason …`,
      );
    },
  );
}

function letterText(letter: DeadLetterDetailReply, width: number | undefined): string {
  return [
    fields([
      ["event", letter.id],
      ["delivery", letter.delivery_id],
      ["handler", letter.handler],
      ["entity", `${letter.entity.type}/${letter.entity.id}`],
      ["revision", letter.revision],
      ["type", letter.event_type],
      [
        "version",
        letter.schema_version === letter.stored_schema_version ? letter.schema_version : `${letter.schema_version} (stored: ${letter.stored_schema_version})`,
      ],
      ["source", letter.source],
      ["status", letter.status],
      ["cause", letter.cause],
      ["error", failureText(letter.error)],
      ["attempts", letter.attempts],
      ["waiting", letter.waiting],
      ["recorded", letter.created_at],
      ["first failed", letter.first_failed_at],
      ["dead-lettered", letter.dead_lettered_at],
      ["amended", letter.amended_at],
      ["replay", letter.replay_id],
      ["data error", letter.data_error],
      ["part", letter.part === null ? null : `${letter.part + 1} of ${letter.parts?.length ?? "several"}`],
      ["dropped", letter.dropped],
    ]),
    hasData(letter) ? section("data", json(letter.data)) : "",
    letter.amendment === null ? "" : section("amended data", json(letter.amendment.data)),
    letter.stored !== null && (letter.stored_schema_version !== letter.schema_version || letter.amendment !== null)
      ? section("stored data", json(letter.stored.data))
      : "",
    amendmentText(letter, width),
    tableSection("decisions, newest first", letter.acts, actColumns, width),
    tableSection(
      "steps",
      letter.steps,
      [
        ["STEP", ({ from, to }) => `${from} → ${to}`],
        ["ERROR", ({ error }) => failureText(error), ({ error }) => [failureText(error)]],
      ],
      width,
    ),
    tableSection(
      letter.waiting > letter.waiting_events.length ? `waiting behind it (first ${letter.waiting_events.length})` : "waiting behind it",
      letter.waiting_events,
      [
        ["REVISION", ({ revision }) => revision],
        ["TYPE", ({ type }) => type],
        ["ID", ({ id }) => id],
        ["RECORDED", ({ recorded_at }) => timeText(recorded_at)],
      ],
      width,
    ),
    tableSection(
      "attempts, newest first",
      letter.history,
      [
        ["ATTEMPT", ({ attempt }) => attempt],
        ["STARTED", ({ started_at }) => timeText(started_at)],
        ["TOOK", ({ duration_ms }) => `${Math.round(duration_ms)} ms`],
        ["OUTCOME", ({ outcome, class: kind }) => (kind === null ? outcome : `${outcome} (${kind})`)],
        ["ERROR", ({ error }) => failureText(error), ({ error }) => [failureText(error)]],
      ],
      width,
    ),
    lastAttemptText(letter.history[0]),
  ].join("");
}

/** What else is known of the last attempt: where it threw, what the receiver answered, what the handler logged. */
function lastAttemptText(attempt: AttemptReply | undefined): string {
  if (attempt === undefined) return "";
  const { error, http_status: status, response_head: head, log } = attempt;
  return [
    error?.stack === undefined ? "" : section("stack of the last attempt", verbatim(error.stack)),
    status === undefined ? "" : section("answer to the last attempt", verbatim(`HTTP ${status}${head === undefined ? "" : `\n${head}`}`)),
    log.length === 0 ? "" : section("log of the last attempt", verbatim(log.join("\n"))),
  ].join("");
}
