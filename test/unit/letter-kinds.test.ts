import { expect, it, vi } from "vitest";
import type { ViewDatabase } from "../../src/views/database.ts";
import { LetterCounts, type LetterKind } from "../../src/views/projections/letter-counts.ts";

const kind: LetterKind = {
  ...{ tenant: "a", handler: "a", entity_type: "a", type: "a", source: "a", cause: "a" },
  ...{ error_type: "a", error_message: "a", error_group: "a" },
};

it.each(Object.keys(kind))("dead letters that differ in their %s alone are counted apart, in whatever order they come", (member) => {
  const run = vi.fn();
  const counts = new LetterCounts();
  const other = { ...kind, [member]: "b" };
  for (const one of [kind, other, { ...other }, { ...kind }, kind]) counts.add(one, 1);
  counts.write({ run } as unknown as ViewDatabase);
  const written = run.mock.calls.filter(([sql]) => (sql as string).startsWith("insert into letter_counts"));
  expect(written.map((call) => call.at(-1) as number)).toEqual([3, 2]);
  expect(written.map((call) => call.slice(1, -1).includes("b"))).toEqual([false, true]);
});
