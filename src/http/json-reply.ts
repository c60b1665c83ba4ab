import type { FastifyInstance } from "fastify";
import { makeTurns } from "../event/turns.ts";

/** Answers with a list of rows become text row by row, giving way between them: a page may have 4 MiB, which takes 40 ms at once. */
export function writeRowsInTurns(app: FastifyInstance): void {
  app.addHook<unknown>("preSerialization", (_, reply, payload, done) => {
    if (!hasRows(payload)) return done(null, payload);
    toText(payload).then(
      (text) => {
        reply.serializer((written: unknown) => written as string);
        done(null, text);
      },
      (error: unknown) => done(error as Error),
    );
  });
}

/** One row is no more than an event, and most answers have none. */
function hasRows(payload: unknown): payload is object {
  if (typeof payload !== "object" || payload === null || Array.isArray(payload)) return false;
  for (const name in payload) {
    const member = (payload as Readonly<Record<string, unknown>>)[name];
    if (Array.isArray(member) && member.length > 1) return true;
  }
  return false;
}

/** As `JSON.stringify` writes it. */
async function toText(payload: object): Promise<string> {
  const turns = makeTurns();
  const members: string[] = [];
  for (const [name, member] of Object.entries(payload)) {
    if (member === undefined) continue;
    let text = "";
    if (Array.isArray(member))
      for (const row of member) {
        if (turns.due()) await turns.next();
        text += `${text === "" ? "[" : ","}${JSON.stringify(row) ?? "null"}`;
      }
    members.push(`${JSON.stringify(name)}:${text === "" ? JSON.stringify(member) : `${text}]`}`);
  }
  return `{${members.join(",")}}`;
}
