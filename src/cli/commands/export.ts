import { closeSync, fsyncSync, openSync } from "node:fs";
import type { Command } from "commander";
import { cloudEventOf } from "../../delivery/attempt/cloud-event.ts";
import type { DeadLetterDetailReply, DeadLetterReply, DeadLettersReply } from "../../http/wire/dead-letters-replies.ts";
import type { EntityEventsReply } from "../../http/wire/entities.ts";
import type { EventReply } from "../../http/wire/events.ts";
import { writeText } from "../../log/durable-files.ts";
import { at } from "../client.ts";
import { addFilters, deadLetterFilters, openSession, parseEntity, queryOf, type Session, type World } from "../command.ts";
import { exit, Failure, usage } from "../exit.ts";
import { countText } from "../print.ts";
import { wholeIds } from "../whole-id.ts";

const pageSize = "200";
/** Events asked for at once, to fill in what a dead letter does not say. */
const atOnce = 8;
const entityFilters = ["from", "after"] as const;
const letterFilters = [...deadLetterFilters, "after"] as const;

interface Sink {
  line(event: object): void;
  close(): void;
}

/** What was written, and what could not be. */
interface Count {
  written: number;
  left: number;
}

/** `export dlq` and `export entity`: CloudEvents as NDJSON, in current data, page by page. */
export function addExport(program: Command, world: World): void {
  const exporting = program.command("export").description("write events as CloudEvents, NDJSON, in today's schema");

  addFilters(
    exporting
      .command("dlq [id...]")
      .description("dead letters, by event or delivery id, or all that a filter matches, newest event first; amended ones as they would be delivered")
      .option("--all", "without a filter: every dead letter")
      .option("--out <file>", "into a new file (default: standard output)"),
    letterFilters,
  ).action(async (ids: readonly string[], options, command: Command) => {
    const session = openSession(command, world);
    const query = await queryOf(session, letterFilters, options);
    const { handler, after: _after, ...filter } = query;
    if (ids.length > 0 && (Object.keys(filter).length > 0 || options.all)) throw usage("Name ids or a filter, not both; beside ids only --handler stands.");
    if (ids.length === 0 && Object.keys(filter).length === 0 && handler === undefined && !options.all)
      throw usage("Say which: ids, a filter such as --error or --handler, or --all.");
    const whole = await wholeIds(session.client, "letter", ids);
    world.exitCode = await write(session, options.out, (sink, count) =>
      ids.length > 0 ? writeLetters(session, whole, handler, sink, count) : writeMatching(session, query, sink, count),
    );
  });

  addFilters(
    exporting
      .command("entity <type/id>")
      .description("the history of one entity, in order")
      .option("--out <file>", "into a new file (default: standard output)"),
    entityFilters,
  ).action(async (which: string, options, command: Command) => {
    const session = openSession(command, world);
    const query = await queryOf(session, entityFilters, options);
    world.exitCode = await write(session, options.out, (sink, count) => writeEntity(session, which, query, sink, count));
  });
}

async function write(session: Session, out: string | undefined, fill: (sink: Sink, count: Count) => Promise<void>): Promise<number> {
  const { terminal } = session;
  const sink = openSink(session, out);
  const count: Count = { written: 0, left: 0 };
  try {
    await fill(sink, count);
  } finally {
    sink.close();
  }
  if (out !== undefined && !session.quiet) terminal.err(`${countText(count.written, "event")} written to ${out}\n`);
  if (count.left === 0) return exit.ok;
  terminal.err(`${countText(count.left, "event")} ${count.left === 1 ? "was" : "were"} left out: the data cannot be given in today's schema.\n`);
  return exit.partly;
}

function openSink({ terminal }: Session, out: string | undefined): Sink {
  if (out === undefined) return { line: (event) => terminal.out(JSON.stringify(event) + "\n"), close() {} };
  let file: number;
  try {
    file = openSync(out, "wx", 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw usage(
      code === "EEXIST"
        ? `--out is ${JSON.stringify(out)}: the file is there already. Name a new one.`
        : `--out is ${JSON.stringify(out)}: it cannot be written (${code}).`,
    );
  }
  const writing = (write: () => void) => {
    try {
      write();
    } catch (error) {
      throw new Failure(exit.failed, `--out is ${JSON.stringify(out)}: it cannot be written to its end (${(error as NodeJS.ErrnoException).code}). Remove it.`);
    }
  };
  return {
    line: (event) => writing(() => writeText(file, JSON.stringify(event) + "\n")),
    close() {
      try {
        writing(() => fsyncSync(file));
      } finally {
        closeSync(file);
      }
    },
  };
}

async function writeEntity(
  { client, terminal }: Session,
  which: string,
  { from = "0", after }: Readonly<Record<string, string | undefined>>,
  sink: Sink,
  count: Count,
): Promise<void> {
  const { type, id } = parseEntity(which);
  for (let next: string | null = from, waitFor = after; next !== null; waitFor = undefined) {
    const page: EntityEventsReply = await client.get(at`/entities/${type}/${id}/events`, { from: next, limit: pageSize, after: waitFor });
    for (const event of page.events) writeEvent(event, {}, terminal, sink, count);
    next = page.next_from === null ? null : String(page.next_from);
  }
}

async function writeMatching(session: Session, query: Readonly<Record<string, string | undefined>>, sink: Sink, count: Count): Promise<void> {
  let cursor: string | undefined;
  do {
    const page: DeadLettersReply = await session.client.get("/admin/dlq", { ...query, limit: pageSize, cursor });
    await writePage(session, page.events, sink, count);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}

async function writeLetters(session: Session, ids: readonly string[], handler: string | undefined, sink: Sink, count: Count): Promise<void> {
  for (const id of ids) await writePage(session, [await session.client.get<DeadLetterDetailReply>(at`/admin/dlq/${id}`, { handler })], sink, count);
}

/** A dead letter has the data; its event has the rest of the envelope. */
async function writePage({ client, terminal }: Session, letters: readonly DeadLetterReply[], sink: Sink, count: Count): Promise<void> {
  for (let from = 0; from < letters.length; from += atOnce) {
    const some = letters.slice(from, from + atOnce);
    const events = await Promise.all(
      // One whose event was removed from the log has nothing to write.
      some.map((letter) => (letter.data_error === null ? client.get<EventReply>(at`/events/${letter.id}`) : null)),
    );
    for (const [index, letter] of some.entries()) {
      const event = events[index];
      const about = { deliveryid: letter.delivery_id, handler: letter.handler };
      if (event == null) {
        count.left++;
        terminal.err(`${letter.id} for ${letter.handler}: ${letter.data_error}\n`);
        continue;
      }
      const { part, parts, dropped, data, schema_version } = letter;
      const one = part === null ? undefined : parts?.[part];
      if (one === undefined) writeEvent({ ...event, parts, dropped, data, data_error: null, schema_version }, about, terminal, sink, count);
      else {
        sink.line(cloudEvent(event, one, { ...about, originid: letter.id, partindex: part, partcount: parts?.length }));
        count.written++;
      }
    }
  }
}

function writeEvent(event: EventReply, about: object, terminal: Session["terminal"], sink: Sink, count: Count): void {
  const reason = event.data_error ?? event.dropped;
  if (reason !== null) {
    count.left++;
    terminal.err(`${event.id}: ${reason}\n`);
    return;
  }
  const { parts } = event;
  if (parts === null) sink.line(cloudEvent(event, event, about));
  else
    for (const [index, part] of parts.entries())
      sink.line(cloudEvent(event, part, { ...about, originid: event.id, partindex: index, partcount: parts.length }));
  count.written += parts?.length ?? 1;
}

/** As a webhook gets it. */
function cloudEvent(event: EventReply, today: Pick<EventReply, "id" | "type" | "schema_version" | "data">, about: object): object {
  const metadata = {
    priority: event.priority,
    correlationId: event.correlation_id ?? undefined,
    causationId: event.causation_id ?? undefined,
    traceparent: event.traceparent ?? undefined,
    callChain: event.call_chain ?? undefined,
    contextRefs: event.context_refs ?? undefined,
    extensions: event.extensions ?? undefined,
  };
  const { entity, tenant, source, revision, occurred_at: occurredAt, recorded_at: recordedAt } = event;
  const { id, type, schema_version: schemaVersion, data } = today;
  return cloudEventOf({ id, type, schemaVersion, entity, tenant, source, occurredAt, recordedAt, revision, data, metadata }, about);
}
