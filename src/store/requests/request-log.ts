/** The streams of requests: read back when one comes again, never at a start. */
import type { NewEvent, Position } from "../../event/event.ts";
import type { NewId } from "../../event/ids.ts";
import { requestStream } from "../../event/names.ts";
import type { AppendedEvent, EventLog, ExpectedRevision } from "../../log/event-log.ts";
import { ownEvent } from "../../records/own-event.ts";
import type { RequestStreamData } from "../../records/request.ts";

/** An answer as it was given, to be given again. */
export interface KeptAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Begun = RequestStreamData["request.begun"];

/** What the log knows of a request. */
export interface StoredRequest extends Omit<Begun, "first"> {
  /** Where and when it was tried first. */
  readonly first: { readonly position: Position; readonly at: string };
  /** Null while there is none. */
  readonly answer: KeptAnswer | null;
  /** Of the stream's last event. */
  readonly revision: number;
}

export interface RequestLog {
  /** The newest request of the stream; null when there is none any more. */
  read(id: string): Promise<StoredRequest | null>;
  /** Revision of the stream's last event, whatever is left of it; −1: there was none. */
  revision(id: string): Promise<number>;
  /** @throws REVISION_CONFLICT when the stream is elsewhere. */
  begin(id: string, data: Begun, after: number): Promise<AppendedEvent>;
  /** The events of an answer, of which the last two are stored together. They may be stored again after an unclear failure: they are the same. */
  partsOf(answer: KeptAnswer): readonly NewEvent[];
  /** @throws REVISION_CONFLICT when the request was answered, or taken over, by another. */
  answer(id: string, parts: readonly NewEvent[], after: number): Promise<void>;
}

/** Characters of a body that stand in one event: as JSON text in JSON text each takes at most three bytes, and an append has 960,000. */
const partCharacters = 300_000;

const expectedAfter = (revision: number): ExpectedRevision => (revision === -1 ? "none" : revision);

export function makeRequestLog(log: EventLog, newId: NewId): RequestLog {
  return {
    async read(id) {
      const answers: RequestStreamData["request.answered"][] = [];
      let revision: number | null = null;
      let isClosed = false;
      for await (const batch of log.readStream(requestStream(id), { direction: "backward" }))
        for (const event of batch) {
          revision ??= event.revision;
          isClosed ||= event.type === "request.closed";
          if (event.type === "request.answered") answers.unshift(event.data as unknown as RequestStreamData["request.answered"]);
          if (event.type !== "request.begun") continue;
          const { first, ...begun } = event.data as unknown as Begun;
          const at = first === undefined ? event : { position: BigInt(first.position), recordedAt: first.at };
          return { ...begun, first: { position: at.position, at: at.recordedAt }, answer: isClosed ? wholeOf(answers) : null, revision };
        }
      return null;
    },

    revision: (id) => log.streamRevision(requestStream(id)),

    begin: async (id, data, after) => (await log.append(requestStream(id), [ownEvent(newId, "request.begun", data)], expectedAfter(after))).at(-1)!,

    partsOf({ body, ...answer }) {
      const texts = cut(body);
      const dataOf = (text: string, part: number) => ({ ...answer, body: text, part, parts: texts.length }) satisfies RequestStreamData["request.answered"];
      return [...texts.map((text, part) => ownEvent(newId, "request.answered", dataOf(text, part))), ownEvent(newId, "request.closed", {})];
    },

    async answer(id, parts, after) {
      const last = parts.length - 2;
      for (let part = 0; part <= last; part++) await log.append(requestStream(id), part < last ? [parts[part]!] : parts.slice(last), after + part);
    },
  };
}

/** A pair of surrogates stays together: half of one is no text that a log can hold. */
function cut(text: string): readonly string[] {
  const pieces: string[] = [];
  for (let from = 0; from < text.length || from === 0; ) {
    let to = from + partCharacters;
    if (/[\ud800-\udbff]/.test(text.charAt(to - 1))) to--;
    pieces.push(text.slice(from, to));
    from = to;
  }
  return pieces;
}

/** What stands before its parts are those of an earlier try, which ended between them. */
function wholeOf(answers: readonly RequestStreamData["request.answered"][]): KeptAnswer {
  const last = answers.at(-1)!;
  const { status, headers } = last;
  return { status, headers, body: answers.slice(-last.parts).map(({ body }) => body).join("") }; // biome-ignore format: one line
}
