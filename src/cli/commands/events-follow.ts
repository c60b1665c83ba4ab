/** `reprise events follow`: events and the troubles of deliveries as they come, over broken connections and restarts of the service. */
import type { Command } from "commander";
import { type Clock, systemClock } from "../../event/clock.ts";
import { everyTenant } from "../../event/names.ts";
import { backOff } from "../../event/waits.ts";
import { addFilters, hint, openSession, queryOf, type Session, type World } from "../command.ts";
import { exit, Failure, usage } from "../exit.ts";
import { timeText } from "../print.ts";
import { messagesIn, type StreamMessage } from "../stream-messages.ts";

const filters = ["event_type", "entity_type", "entity_id"] as const;
const waits = { firstMs: 500, lastMs: 5000 };

interface Options {
  readonly after?: string;
  readonly types?: string;
  readonly limit?: string;
}

export function addFollow(events: Command, world: World): void {
  addFilters(events.command("follow").description("follow events, and the troubles of their deliveries, as they come"), filters)
    .option("--after <id>", "begin after this position, or after the id of a message; default: now")
    .option("--types <list>", "some of events, deliveries and completed, with commas; default: events,deliveries")
    .option("--limit <n>", "end after so many messages")
    .action(async (options: Options & Readonly<Record<string, unknown>>, command) => {
      const session = openSession(command, world);
      const query = { ...(await queryOf(session, filters, options)), types: options.types, after: options.after };
      await follow(session, query, limitOf(options.limit));
    });
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw usage(`--limit is ${JSON.stringify(text)}: it must be a whole number from 1.`);
  return Number(text);
}

/** Ends with the limit, or when the service refuses. A connection that breaks is made again, and goes on after the last message. */
async function follow(session: Session, query: Readonly<Record<string, string | undefined>>, limit: number, clock: Clock = systemClock): Promise<void> {
  let lastId: string | undefined;
  let left = limit;
  let begun = false;
  for (let failures = 0; ; failures++) {
    try {
      const body = await session.client.open("/events/stream", query, lastId === undefined ? {} : { "last-event-id": lastId });
      begun = true;
      for await (const message of messagesIn(body, (id) => (lastId = id))) {
        failures = 0;
        if (message.event === "behind") break;
        if (message.event === "gone")
          throw new Failure(exit.refused, `The log does not have the position ${lastId ?? query.after}.\nBegin with another one, or leave --after out.`);
        session.terminal.out(lineOf(session, message));
        left -= 1;
        if (left <= 0) return;
      }
    } catch (error) {
      // A service that was there will be there again; one that says no is believed.
      if (error instanceof Failure && (!begun || error.exitCode !== exit.unreachable)) throw error;
    }
    hint(session, "The connection is over; trying again.");
    await backOff(failures, waits, clock);
  }
}

function lineOf({ output, quiet, tenant: asked }: Session, { event, id, data }: StreamMessage): string {
  const told = JSON.parse(data) as Readonly<Record<string, unknown>>;
  if (quiet) return `${told.delivery_id ?? told.id}\n`;
  if (output !== "table") return `${JSON.stringify({ event, id, data: told })}\n`;
  const tenant = asked === everyTenant ? `${told.tenant} ` : "";
  if (event === "event") return `${timeText(String(told.recordedtime))}  ${tenant}${told.subject} ${told.revision}  ${told.type}  ${told.id}\n`;
  const { type, id: entityId } = told.entity as { readonly type: string; readonly id: string };
  return `${" ".repeat(20)}  ${tenant}${type}/${entityId} ${told.revision}  ${told.handler} ${told.status}  ${told.delivery_id}\n`;
}
