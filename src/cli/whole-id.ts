/** Beginnings of ids. They are looked up in the service's lists, which end somewhere: a whole id costs no look-up, and is never looked up. */
import type { DeadLettersReply } from "../http/wire/dead-letters-replies.ts";
import type { EscalationsReply } from "../http/wire/escalations.ts";
import type { EventsReply } from "../http/wire/events.ts";
import type { ReplaysReply } from "../http/wire/replays-replies.ts";
import type { Client, Query } from "./client.ts";
import { exit, Failure } from "./exit.ts";

const shape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
const shortest = 6;
/** Pages of a list that are read for one look-up. */
const maxPages = 10;
const shownCandidates = 10;

interface Page {
  readonly ids: readonly string[];
  readonly next: string | null;
}

/** What an argument names, and the list in which such things stand. */
interface Kind {
  readonly called: string;
  readonly page: (client: Client, cursor: string | undefined) => Promise<Page>;
}

const eventsPage =
  (query: Query, ids: (event: EventsReply["events"][number]) => readonly string[]): Kind["page"] =>
  async (client, cursor) => {
    const reply = await client.get<EventsReply>("/events", { ...query, limit: "1000", cursor });
    return { ids: reply.events.flatMap(ids), next: reply.next_cursor };
  };

const replaysPage =
  (ids: (replay: ReplaysReply["replays"][number]) => readonly (string | null)[]): Kind["page"] =>
  async (client, cursor) => {
    const reply = await client.get<ReplaysReply>("/replays", { limit: "1000", cursor });
    return { ids: reply.replays.flatMap(ids).filter((id) => id !== null), next: reply.next_cursor };
  };

const kinds = {
  event: { called: "event", page: eventsPage({}, ({ id }) => [id]) },
  letter: {
    called: "dead letter",
    page: async (client, cursor) => {
      const reply = await client.get<DeadLettersReply>("/admin/dlq", { limit: "200", data: "false", cursor });
      return { ids: reply.events.flatMap(({ id, delivery_id: delivery }) => [id, delivery]), next: reply.next_cursor };
    },
  },
  escalation: {
    called: "delivery that waits, or waited, for a decision",
    page: async (client, cursor) => {
      const reply = await client.get<EscalationsReply>("/admin/escalations", { limit: "1000", cursor });
      return { ids: reply.escalations.map((each) => each.delivery_id), next: reply.next_cursor };
    },
  },
  retrying: {
    called: "delivery that waits for its next attempt",
    page: eventsPage({ status: "failed" }, ({ deliveries }) => deliveries.map((each) => each.delivery_id)),
  },
  replay: { called: "replay", page: replaysPage(({ replay_id: id }) => [id]) },
  // A plan that was not run is in no list.
  plan: { called: "plan that was run", page: replaysPage(({ plan_id: id }) => [id]) },
  replayOrPlan: { called: "replay, and no plan that was run,", page: replaysPage(({ replay_id: id, plan_id: plan }) => [id, plan]) },
} as const satisfies Readonly<Record<string, Kind>>;

/** The whole id that an argument begins; another text, and one that is whole, as it stands: what it names is the service's to say. */
export async function wholeId(client: Client, kind: keyof typeof kinds, text: string): Promise<string> {
  return (await wholeIds(client, kind, [text]))[0]!;
}

/** The same for several, with one look at the list. @throws exit 4 for a beginning that nothing has, or several have. */
export async function wholeIds(client: Client, kind: keyof typeof kinds, texts: readonly string[]): Promise<readonly string[]> {
  const wanted = texts.filter(isBeginning).map((text) => text.toLowerCase());
  if (wanted.length === 0) return texts;
  const found = new Map(wanted.map((beginning) => [beginning, new Set<string>()]));
  let cursor: string | null | undefined;
  for (let pages = 0; cursor !== null && pages < maxPages; pages++) {
    const { ids, next } = await kinds[kind].page(client, cursor ?? undefined);
    for (const [beginning, candidates] of found) for (const id of ids) if (id.startsWith(beginning)) candidates.add(id);
    cursor = next;
  }
  return texts.map((text) => (isBeginning(text) ? theOne(text, [...found.get(text.toLowerCase())!], kinds[kind].called, cursor === null) : text));
}

function isBeginning(text: string): boolean {
  return (
    text.length >= shortest && text.length < shape.length && [...text].every((letter, at) => (shape[at] === "-" ? letter === "-" : /[0-9a-f]/i.test(letter)))
  );
}

/** The whole id that an argument begins, among ids that are all there are. @throws as `wholeIds`. */
export function wholeIdAmong(ids: readonly string[], called: string, text: string): string {
  if (text.length < shortest || ids.includes(text)) return text;
  return theOne(
    text,
    ids.filter((id) => id.startsWith(text)),
    called,
    true,
  );
}

/** @param all the list was read to its end: then nothing else can begin so. Events are only shown, with their whole id: the one of the newest 10,000 is good enough. */
function theOne(text: string, candidates: readonly string[], called: string, all: boolean): string {
  const [one, ...others] = candidates;
  if (one !== undefined && others.length === 0 && (all || called === kinds.event.called)) return one;
  const shown = candidates.slice(0, shownCandidates).toSorted((a, b) => (a < b ? -1 : 1));
  const more = candidates.length > shown.length ? [`  and ${candidates.length - shown.length} more`] : [];
  const message =
    others.length > 0
      ? [`${text} begins several ids:`, ...shown.map((id) => `  ${id}`), ...more, "Write more of the one that is meant."]
      : [
          one === undefined
            ? `No ${called} has an id that begins with ${text}${all ? "" : ", as far as the lists were read"}.`
            : `${text} may begin more ids than ${one}: the list is longer than what is looked through.`,
          "Write the whole id.",
        ];
  throw new Failure(exit.refused, message.join("\n"), { message: message[0], candidates: shown });
}
