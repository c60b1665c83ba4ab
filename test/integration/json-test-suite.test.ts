/** Nicolas Seriot's JSON test suite as payloads: what is no JSON is refused, what is JSON comes out as it went in or is refused by name; on either log. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineEvent } from "../../src/catalog/define.ts";
import { defineConfig } from "../../src/config/config.ts";
import { serverOver } from "../support/http.ts";
import { repositoryFolder } from "../support/run-tool.ts";
import { serverLogs } from "../support/server-logs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { type Place, startStore } from "../support/test-store.ts";

const folder = join(repositoryFolder, "test/json-test-suite");
const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
const config = defineConfig({ events: [defineEvent("note.taken", { 1: z.unknown() })], handlers: [] });
const refusals = ["JSON_MALFORMED", "MEMBER_REPEATED", "NUMBER_UNSAFE", "REQUEST_INVALID", "DATA_INVALID"];
/** JSON by the suite, and yet not to be kept: two members of one name, whole numbers beyond 2^53. */
const refused: Readonly<Record<string, string>> = {
  "y_object_duplicated_key.json": "MEMBER_REPEATED",
  "y_object_duplicated_key_and_value.json": "MEMBER_REPEATED",
  "y_number.json": "NUMBER_UNSAFE",
  "y_number_real_capital_e.json": "NUMBER_UNSAFE",
  "y_number_real_exponent.json": "NUMBER_UNSAFE",
  "y_number_real_fraction_exponent.json": "NUMBER_UNSAFE",
  "y_object_extreme_numbers.json": "NUMBER_UNSAFE",
};

const ways = [
  ["an event", "application/json", '{"type":"note.taken","entity":{"type":"note","id":"ID"},"data":'],
  ["a CloudEvent", "application/cloudevents+json", '{"specversion":"1.0","type":"note.taken","source":"suite","id":"ID","subject":"note/ID","data":'],
] as const;

const logs: readonly (readonly [string, () => Promise<Place>])[] = [
  ["the embedded log", async () => temporaryFolder()],
  ...serverLogs.map(([title, open]) => [title, async () => ({ ...(await open()), data: temporaryFolder() })] as const),
];

/** @returns the code it was refused with, or null. */
async function append(server: FastifyInstance, type: string, head: string, content: Buffer): Promise<string | null> {
  const answer = await server.inject({
    method: "POST",
    url: "/events",
    headers: { "content-type": type },
    payload: Buffer.concat([Buffer.from(head), content, Buffer.from("}")]),
  });
  if (answer.statusCode === 201) return null;
  expect(answer.statusCode).toBeGreaterThanOrEqual(400);
  expect(answer.statusCode).toBeLessThan(500);
  const { code } = answer.json() as { code: string };
  expect(refusals).toContain(code);
  return code;
}

describe.each(logs)("on %s", (_title, open) => {
  it.each(ways)("each file is refused, or comes out of %s as it went in", { timeout: 120_000 }, async (_what, type, head) => {
    const store = await startStore(config, await open());
    const server = serverOver(store);
    const seen = { refused: 0, kept: 0 };
    for (const [index, name] of files.entries()) {
      const content = readFileSync(join(folder, name));
      const code = await append(server, type, head.replaceAll("ID", `f${index}`), content);
      if (name.startsWith("n_")) expect([name, code]).toEqual([name, expect.any(String)]);
      if (name.startsWith("y_")) expect([name, code]).toEqual([name, refused[name] ?? null]);
      const { events } = await store.readEntity({ type: "note", id: `f${index}` });
      const answer = await server.inject({ method: "GET", url: `/entities/note/f${index}/events?as=stored` });
      if (code !== null) {
        seen.refused++;
        expect([name, answer.statusCode, events]).toEqual([name, 404, []]);
      } else {
        seen.kept++;
        const text = new TextDecoder("utf-8", { fatal: true }).decode(content); // without a byte order mark
        expect([name, (answer.json() as { events: { data: unknown }[] }).events[0]!.data]).toEqual([name, JSON.parse(JSON.stringify(JSON.parse(text)))]); // −0 is stored as 0
      }
    }
    expect(seen.refused + seen.kept).toBe(files.length);
    expect(files.length).toBeGreaterThan(300);
  });
});

it("refuses each file as a request, and answers none with a 5xx", async () => {
  const server = serverOver(await startStore(config, temporaryFolder()));
  for (const name of files)
    for (const url of ["/events", "/replays/plan", "/admin/dlq/unknown/amend"]) {
      const answer = await server.inject({ method: "POST", url, headers: { "content-type": "application/json" }, payload: readFileSync(join(folder, name)) });
      expect([name, url, answer.statusCode >= 400 && answer.statusCode < 500]).toEqual([name, url, true]);
    }
});
