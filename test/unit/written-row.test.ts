/** Rows of long pages that are text from the start. */
import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import fastify from "fastify";
import { expect, it } from "vitest";
import { WrittenRow, writing } from "../../src/event/written-row.ts";
import { writeRowsInTurns } from "../../src/http/json-reply.ts";
import { eachEvent } from "../../src/log/each-event.ts";
import { makePageRoom } from "../../src/log/page-bytes.ts";

it("are answered byte by byte as their objects are, however many there are", async () => {
  const app = fastify();
  writeRowsInTurns(app);
  let answer: unknown;
  app.get("/", () => Promise.resolve(answer));
  const text = async (payload: unknown) => {
    answer = payload;
    return (await app.inject("/")).body;
  };
  await fc.assert(
    fc.asyncProperty(fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 4 }), async (rows) => {
      const plain = await text({ rows, next: null });
      expect(await text({ rows: rows.map(writing((row) => row)), next: null })).toBe(plain);
    }),
  );
});

it("count for their bytes, not their characters, and the first one is always taken", () => {
  const row = writing((letter: string) => ({ letter }))("ü") as unknown as WrittenRow;
  expect(row).toBeInstanceOf(WrittenRow);
  expect(Buffer.byteLength(row.json)).toBe(15);
  const room = makePageRoom(44);
  expect([room.takes(row), room.takes(row), room.takes(row)]).toEqual([true, true, false]);
  expect(makePageRoom(1).takes(row)).toBe(true);
});

it("come from events that are read in pieces, and who reads is told of each wait between two of them", async () => {
  const read: (readonly string[])[] = [];
  const findByIds = async (_tenant: string, ids: readonly string[]) => {
    await nextTurn();
    read.push(ids);
    return [];
  };
  let waited = 0;
  const rows = Array.from({ length: 250 }, (_, number) => String(number));
  const seen: number[] = [];
  for await (const { row } of eachEvent(
    { findByIds },
    "default",
    rows,
    (id) => id,
    () => waited++,
  ))
    if (Number(row) % 100 === 0) seen.push(waited);
  expect(read.map(({ length }) => length)).toEqual([100, 100, 50]);
  expect(seen.map((each, index) => each > index)).toEqual([true, true, true]);
});
