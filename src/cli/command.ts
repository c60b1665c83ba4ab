import { type Command, Option } from "commander";
import { type Client, makeClient, type Query } from "./client.ts";
import { exit, Failure, usage } from "./exit.ts";
import { instantOf } from "./instant.ts";
import { formats, type PrintOptions } from "./print.ts";
import type { Terminal } from "./terminal.ts";
import { wholeId } from "./whole-id.ts";

/** The outside world as the command line gets it. */
export interface World {
  readonly terminal: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The working directory. Default: that of the process. */
  readonly cwd?: string;
  /** Of a log on a server, as in OpenOptions: tests of the service have it, so that they can share one server. */
  readonly namespace?: string;
  /** The exit code when a command that did not throw was not a full success. */
  exitCode: number;
}

interface GlobalOptions {
  readonly url?: string;
  readonly key?: string;
  readonly tenant?: string;
  readonly output: PrintOptions["output"];
  readonly quiet?: boolean;
  readonly yes?: boolean;
}

/** What a command that talks to the service works with. */
export interface Session extends PrintOptions {
  readonly client: Client;
  /** Where the service is. */
  readonly url: string;
  readonly terminal: Terminal;
  /** The tenant that the command names, `*` for all; undefined: the key's own. */
  readonly tenant: string | undefined;
  /** Bulk acts need no question. */
  readonly yes: boolean;
}

/** Options that every command but `serve` understands, before or after its name. */
export function addGlobalOptions(program: Command): void {
  program
    .option("--url <url>", "address of the service (default: REPRISE_URL, or REPRISE_HOST and REPRISE_PORT, or http://127.0.0.1:4680)")
    .option("--key <key>", "API key (REPRISE_KEY); better in the environment: other users of the machine see command lines")
    .addOption(new Option("-o, --output <format>", "how answers are printed").choices(formats).default("table"))
    .option("-q, --quiet", "ids only")
    .option("--yes", "do not ask before acting on many");
}

export function openSession(command: Command, { terminal, env }: World): Session {
  const options = command.optsWithGlobals<GlobalOptions>();
  const url = options.url ?? urlOf(env);
  return {
    client: makeClient(url, options.key ?? (env.REPRISE_KEY || undefined), options.tenant),
    url,
    terminal,
    tenant: options.tenant,
    output: options.output,
    quiet: options.quiet ?? false,
    yes: options.yes ?? false,
  };
}

function urlOf(env: World["env"]): string {
  if (env.REPRISE_URL) return env.REPRISE_URL;
  const host = env.REPRISE_HOST || "127.0.0.1";
  return `http://${host.includes(":") ? `[${host}]` : host}:${env.REPRISE_PORT || "4680"}`;
}

/** Every member of a query that has a flag: `event_type` is `--event-type <type>`. */
const filterFlags = {
  status: ["<status>", "deliveries with this status: pending, failed, held, dead_lettered, …"],
  handler: ["<name>", "of this handler"],
  event_type: ["<type>", "events of this type"],
  source: ["<source>", "events from this source"],
  entity_type: ["<type>", "entities of this type"],
  entity_id: ["<id>", "entities with this id"],
  correlation_id: ["<id>", "events of this correlation"],
  error: ["<text>", "errors of this type, or exactly `<type>: <message>`"],
  error_like: ["<text>", "errors with this text anywhere in `<type>: <message>`"],
  error_group: ["<fingerprint>", "of this error group"],
  state: ["<state>", "open, resolved or ignored"],
  cause: ["<cause>", "exhausted, terminal, schema, crash or unknown_outcome"],
  replay_id: ["<id>", "last replayed by this replay"],
  lane_state: ["<state>", "flowing, backing_off, blocked, paused, behind or stuck"],
  since: ["<time>", "at or after this RFC 3339 time, or so long ago: 90s, 30m, 1h, 7d"],
  until: ["<time>", "before this RFC 3339 time, or so long ago"],
  from: ["<revision>", "first revision; backward: the one to go down from"],
  direction: ["<direction>", "forward or backward"],
  as: ["<version>", "data as it is today (current) or as the log holds it (stored); archived: also what has left the log"],
  limit: ["<n>", "at most so many"],
  offset: ["<n>", "leave out the first ones"],
  cursor: ["<cursor>", "the page after the one that named it"],
  after: ["<position>", "wait until the views have reached this position"],
} as const;
type FilterName = keyof typeof filterFlags;

export const deadLetterFilters = [
  "event_type",
  "source",
  "handler",
  "entity_type",
  "entity_id",
  "error",
  "error_like",
  "error_group",
  "cause",
  "replay_id",
  "since",
  "until",
] as const satisfies readonly FilterName[];

export function addFilters(command: Command, names: readonly FilterName[]): Command {
  for (const name of names) {
    const flag = `--${name.replaceAll("_", "-")}`;
    const [value, about] = filterFlags[name];
    command.option(`${flag} ${value}`, about, (text: string) => (name === "since" || name === "until" ? instantOf(flag, text) : text));
  }
  if (names.includes("entity_id")) command.option("--entity <type/id>", "of this entity");
  return command;
}

/** The query that flags stand for. The beginning of a replay's id becomes the whole one: a filter by half an id would match nothing, and say so of all. */
export async function queryOf(session: Session, names: readonly FilterName[], options: Readonly<Record<string, unknown>>): Promise<Query> {
  const given = names.map((name): [string, unknown] => [name, options[name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())]]);
  const query = Object.fromEntries(given.filter((pair): pair is [string, string] => typeof pair[1] === "string"));
  if (query.replay_id !== undefined) query.replay_id = await wholeId(session.client, "replay", query.replay_id);
  if (typeof options.entity !== "string") return query;
  const { type, id } = parseEntity(options.entity);
  return { ...query, entity_type: type, entity_id: id };
}

/** `<type>/<id>`; the id may hold further slashes. */
export function parseEntity(text: string): { type: string; id: string } {
  const slash = text.indexOf("/");
  if (slash < 1 || slash === text.length - 1) throw usage(`${JSON.stringify(text)} is no entity: write <type>/<id>, as in order/o-1.`);
  return { type: text.slice(0, slash), id: text.slice(slash + 1) };
}

/** Says on standard error how to read on. @param total of all pages, where it is known. */
export function hintNext(session: Session, flag: string, value: string | number | null, total?: number): void {
  if (value !== null) hint(session, `There are more${total === undefined ? "" : `, ${total} in all`}: add ${flag} ${value}`);
}

/** Says on standard error, to people only, what to do next. */
export function hint({ terminal, quiet, output }: Session, text: string): void {
  if (!quiet && output === "table") terminal.err(`${text}\n`);
}

/** Asks the person at the terminal, unless `--yes` has answered. @throws exit 4 when the person refuses. */
export async function confirm({ terminal, yes }: Session, question: string): Promise<void> {
  if (yes || /^y(?:es)?$/i.test((await terminal.ask(`${question} [y/N] `)).trim())) return;
  throw new Failure(exit.refused, "Nothing was done.");
}

/** The same for an act on many, where nobody may be there to be asked. @param what it would do, for the question and the refusal. */
export async function confirmMany(session: Session, what: string): Promise<void> {
  if (!session.yes && !session.terminal.interactive)
    throw new Failure(exit.refused, `Nobody can be asked whether to ${what}.\nAdd --yes to say that it is meant.`);
  await confirm(session, `${what[0]!.toUpperCase()}${what.slice(1)}?`);
}
