import type { Command } from "commander";
import type { PlanReply } from "../../../http/wire/plans.ts";
import { addFilters, deadLetterFilters, openSession, parseEntity, queryOf, type Session, type World } from "../../command.ts";
import { usage } from "../../exit.ts";
import { wholeIds } from "../../whole-id.ts";
import { numberOf } from "./number-of.ts";
import { printPlan } from "./plan-text.ts";

interface PlanOptions {
  readonly history?: string;
  readonly fromArchive?: true;
  readonly types?: string;
  readonly fromPosition?: string;
  readonly toPosition?: string;
  readonly targetHandler?: string;
  readonly rate?: string;
  readonly entity?: string;
  readonly since?: string;
  readonly until?: string;
}

export function addPlan(replay: Command, world: World): void {
  addFilters(
    replay
      .command("plan [id...]")
      .description("freeze a selection and say what its replay would do: ids, dead letters that a filter matches, or --history of a handler")
      .option("--history <handler>", "what this handler was given before, in place of dead letters; with --entity, --since, --until")
      .option("--types <types>", "with --history: of these event types, separated by commas")
      .option("--from-position <position>", "with --history: from here on")
      .option("--from-archive", "with --history: also what has left the log for an archive")
      .option("--to-position <position>", "with --history: up to here")
      .option("--target-handler <name>", "deliver to this handler instead; dead letters stay")
      .option("--rate <n>", "so many a second, for the estimate"),
    deadLetterFilters,
  ).action(async (given: readonly string[], options: PlanOptions, command) => {
    const session = openSession(command, world);
    const ids = await wholeIds(session.client, "letter", given);
    const body = {
      selection: await selectionOf(session, ids, options),
      target_handler: options.targetHandler,
      rate_per_second: numberOf("--rate", options.rate),
    };
    const { reply } = await session.client.post<PlanReply>("/replays/plan", { body });
    printPlan(session, reply);
  });
}

async function selectionOf(session: Session, ids: readonly string[], options: PlanOptions): Promise<object> {
  const filter = await queryOf(session, deadLetterFilters, { ...options });
  const ofHistory = [options.types, options.fromPosition, options.toPosition, options.fromArchive].some((value) => value !== undefined);
  if (options.history === undefined && ofHistory) throw usage("--types, --from-position, --to-position and --from-archive go with --history.");
  if (ids.length > 0) {
    if (Object.keys(filter).length > 0 || options.history !== undefined) throw usage("Name ids, a filter or --history: one of the three.");
    return { ids };
  }
  if (options.history === undefined) {
    if (Object.keys(filter).length === 0) throw usage("Say which: ids, a filter such as --error or --handler, or --history <handler>.");
    return { dead_letters: filter };
  }
  const { since, until, entity_type: _type, entity_id: _id, ...others } = filter;
  if (Object.keys(others).length > 0)
    throw usage("Beside --history only --entity, --types, --since, --until, --from-position, --to-position and --from-archive stand.");
  return {
    history: {
      handler: options.history,
      entity: options.entity === undefined ? undefined : parseEntity(options.entity),
      event_types: options.types?.split(","),
      since,
      until,
      from_position: options.fromPosition,
      to_position: options.toPosition,
      from_archive: options.fromArchive,
    },
  };
}
