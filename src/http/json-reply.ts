import type { FastifyInstance } from "fastify";
import { makeTurns } from "../event/turns.ts";
import { WrittenRow } from "../event/written-row.ts";

/** Answers with a list of rows become text row by row, giving way between them: a page may have 4 MiB, which takes 40 ms at once. */
export function writeRowsInTurns(app: FastifyInstance): void {
  app.addHook<unknown>("preSerialization", (_, reply, payload, done) => {
    if (!hasRows(payload)) return done(null, payload);
    toBytes(payload).then(
      (bytes) => {
        reply.serializer((written: unknown) => written as string); // bytes, which Fastify takes as well
        done(null, bytes);
      },
      (error: unknown) => done(error as Error),
    );
  });
}

/** The piece for one row: a row is at most as large as an event, and most answers have no rows. */
function hasRows(payload: unknown): payload is object {
  if (typeof payload !== "object" || payload === null) return false;
  if (Array.isArray(payload)) return payload.length > 1;
  for (const name in payload) {
    const member = (payload as Readonly<Record<string, unknown>>)[name];
    if (Array.isArray(member) && member.length > 1) return true;
  }
  return false;
}

/** Characters that become bytes together. */
const pieceCharacters = 64 * 1024;

/** As `JSON.stringify` writes it. Bytes piece by piece: a text of 4 MiB that is made of many takes 30 ms to measure and to write. */
async function toBytes(payload: object): Promise<Buffer> {
  const turns = makeTurns();
  const pieces: Buffer[] = [];
  let text = "";
  const write = (more: string): void => {
    text += more;
    if (text.length < pieceCharacters) return;
    pieces.push(Buffer.from(text));
    text = "";
  };
  const writeRows = async (rows: readonly unknown[]): Promise<void> => {
    write("[");
    for (const [index, row] of rows.entries()) {
      if (turns.due()) await turns.next();
      write(`${index === 0 ? "" : ","}${row instanceof WrittenRow ? row.json : (JSON.stringify(row) ?? "null")}`);
    }
    write("]");
  };
  if (Array.isArray(payload)) await writeRows(payload);
  else await writeMembers(payload, write, writeRows);
  pieces.push(Buffer.from(text));
  return Buffer.concat(pieces);
}

async function writeMembers(payload: object, write: (text: string) => void, writeRows: (rows: readonly unknown[]) => Promise<void>): Promise<void> {
  let before = "{";
  for (const [name, member] of Object.entries(payload)) {
    if (member === undefined) continue;
    write(`${before}${JSON.stringify(name)}:`);
    before = ",";
    if (Array.isArray(member)) await writeRows(member);
    else write(JSON.stringify(member) ?? "null");
  }
  write(before === "{" ? "{}" : "}");
}
