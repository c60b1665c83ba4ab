import type { Command } from "commander";
import { type Problem, toProblem } from "../../http/problem.ts";
import type { AppendReply } from "../../http/wire/events.ts";
import { describe } from "../client.ts";
import { openSession, parseEntity, type World } from "../command.ts";
import { exit, Failure, usage } from "../exit.ts";
import { instantOf } from "../instant.ts";
import { printList } from "../print.ts";
import { faultOf, isJson, readData, readText } from "../read-text.ts";
import type { Terminal } from "../terminal.ts";

const maxEvents = 1000;
/** Below the service's 4 MiB a request. */
const maxRequestCharacters = 1024 * 1024;
/** Lines of the input that a refusal names. */
const maxTold = 20;
const nothing = "There is nothing to append: describe an event with --type, --entity and --data, or name a file.";

interface Flags {
  readonly type?: string;
  readonly entity?: string;
  readonly data?: string;
  readonly id?: string;
  readonly schemaVersion?: string;
  readonly source?: string;
  readonly occurredAt?: string;
  readonly priority?: string;
  readonly correlationId?: string;
  readonly causationId?: string;
  readonly traceparent?: string;
  readonly callChain?: string;
  readonly contextRef?: readonly string[];
  readonly expectedRevision?: string;
}

/** One POST: JSON text, never parsed and written again, so that the service sees every digit that was typed. */
interface Request {
  readonly json: string;
  /** The line of each of its events, for NDJSON. */
  readonly lines: readonly number[];
}

export function addAppend(program: Command, world: World): void {
  program
    .command("append [file]")
    .description("append one event from flags, or events as JSON or NDJSON from a file or standard input")
    .option("--type <type>", "event type")
    .option("--entity <type/id>", "what the event is about")
    .option("--data <json>", "its data: JSON, @<file>, or - for standard input")
    .option("--id <uuid>", "event id; makes repeating safe")
    .option("--schema-version <n>", "version of the data (default: the current one)")
    .option("--source <id>", "who writes it")
    .option("--occurred-at <time>", "the writer's clock, RFC 3339, or how long ago: 30m", (text: string) => instantOf("--occurred-at", text))
    .option("--priority <priority>", "low, normal, high or critical")
    .option("--correlation-id <id>", "what it belongs to")
    .option("--causation-id <id>", "what caused it")
    .option("--traceparent <value>", "W3C trace context")
    .option("--call-chain <agents>", "agent ids from the first cause to the writer, joined by commas")
    .option("--context-ref <kind:ref...>", "what the writer saw")
    .option("--expected-revision <revision>", "any, none, or the revision of the entity's last event")
    .action(async (file: string | undefined, flags: Flags, command: Command) => {
      const session = openSession(command, world);
      const { expectedRevision, ...event } = flags;
      const one = Object.keys(event).length > 0;
      if (one && file !== undefined) throw usage("Describe one event with flags or name a file, not both.");
      const requests = one ? [{ json: await fromFlags(flags, session.terminal), lines: [] }] : fromText(await readText(file ?? "-", session.terminal, nothing));
      if (expectedRevision !== undefined && requests.length > 1)
        throw usage(`--expected-revision needs all events in one request, of at most ${maxEvents} events.`);

      const appended: AppendReply["events"] = [];
      let failure: Failure | undefined;
      for (const { json, lines } of requests) {
        try {
          const { reply } = await session.client.post<AppendReply>("/events", { json, query: { expected_revision: expectedRevision } });
          for (const event of reply.events) appended.push(event);
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          const refused = withLines(error, lines);
          if (appended.length === 0) throw refused;
          const stored = `${appended.length} events were stored; not those from line ${lines[0]} on.`;
          failure = new Failure(exit.partly, `${refused.message}\n${stored}`, { ...refused.members, message: stored });
          break;
        }
      }
      printList(session.terminal, session, {
        reply: { events: appended },
        rows: appended,
        columns: [
          ["ID", ({ id }) => id],
          ["ENTITY", ({ entity }) => `${entity.type}/${entity.id}`],
          ["REVISION", ({ revision }) => revision],
          ["POSITION", ({ position }) => position],
          ["STORED", ({ duplicate }) => (duplicate ? "before" : "now")],
        ],
        id: ({ id }) => id,
        empty: "There was nothing to append.",
      });
      if (failure !== undefined) throw failure;
    });
}

/** The same failure with the lines of the input that it is about: its places count the events of one request, and blank lines are none. */
function withLines(failure: Failure, lines: readonly number[]): Failure {
  const { errors = [] } = failure.members as Pick<Problem, "errors">;
  const told = new Set<string>();
  const placed = errors.map((place) => {
    const [event = "", index] = /^#\/events\/(\d+)/.exec(place.pointer) ?? [];
    const line = lines[Number(index)];
    if (line === undefined) return place;
    if (told.size < maxTold) told.add(`${event} is line ${line} of the input.`);
    return { ...place, line };
  });
  return told.size === 0 ? failure : new Failure(failure.exitCode, [failure.message, ...told].join("\n"), { ...failure.members, errors: placed });
}

async function fromFlags(flags: Flags, terminal: Terminal): Promise<string> {
  const { type, entity, data } = flags;
  if (type === undefined || entity === undefined || data === undefined) throw usage("One event needs --type, --entity and --data.");
  const text = await readData(data, terminal, nothing);
  const envelope = JSON.stringify({
    id: flags.id,
    type,
    schema_version: flags.schemaVersion === undefined ? undefined : Number(flags.schemaVersion),
    entity: parseEntity(entity),
    source: flags.source,
    occurred_at: flags.occurredAt,
    priority: flags.priority,
    correlation_id: flags.correlationId,
    causation_id: flags.causationId,
    traceparent: flags.traceparent,
    call_chain: flags.callChain?.split(","),
    context_refs: flags.contextRef?.map((text) => {
      const colon = text.indexOf(":");
      if (colon < 1) throw usage(`${JSON.stringify(text)} is no context reference: write <kind>:<ref>.`);
      return { kind: text.slice(0, colon), ref: text.slice(colon + 1) };
    }),
  });
  return `${envelope.slice(0, -1)},"data":${text}}`;
}

/** A JSON document (an event, a list of events, or a whole request), or an event a line. */
function fromText(text: string): readonly Request[] {
  const document = text.trim();
  if (document === "") return [];
  if (isJson(document)) return [{ json: document.startsWith("[") ? `{"events":${document}}` : document, lines: [] }];
  const requests: Request[] = [];
  let batch: string[] = [];
  let lines: number[] = [];
  let characters = 0;
  const flush = () => {
    if (batch.length > 0) requests.push({ json: `{"events":[${batch.join(",")}]}`, lines });
    batch = [];
    lines = [];
    characters = 0;
  };
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const fault = faultOf(line);
    if (fault?.code === "JSON_MALFORMED") throw usage(`Line ${index + 1} is not JSON. Nothing was sent.`);
    if (fault !== null) {
      const problem = toProblem(fault, { path: "", requestId: "" });
      throw new Failure(exit.refused, `Line ${index + 1}: ${describe(problem)}\nNothing was sent.`, {
        ...problem,
        message: `Line ${index + 1}: nothing was sent.`,
      });
    }
    if (batch.length === maxEvents || characters + line.length > maxRequestCharacters) flush();
    batch.push(line);
    lines.push(index + 1);
    characters += line.length;
  }
  flush();
  return requests;
}
