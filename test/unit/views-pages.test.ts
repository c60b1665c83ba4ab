/** Pages of a list, while events come and go, rows are built anew, and another instance is asked for the next one. */
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { isRepriseError } from "../../src/errors.ts";
import type { StoredEvent } from "../../src/event/event.ts";
import { newId } from "../../src/event/ids.ts";
import { everyTenant, parseStreamName, retentionStream } from "../../src/event/names.ts";
import type { RetentionStreamData } from "../../src/records/retention.ts";
import type { EntityFilterOptions } from "../../src/views/model/entity.ts";
import { ofSameRows } from "../../src/views/same-rows.ts";
import { size } from "../support/sizes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { deadLettered, makeViewsFixture } from "../support/views-fixture.ts";

const streams = [
  "default.order-a",
  "default.order-B",
  "default.order-a-1",
  "default.cart-a",
  "default.order_line-1",
  "mill.order-a",
  "mill_2.cart-z",
  "mill_2.order-9",
];

type Step = { readonly what: "append" | "letter" | "archive" | "archive_most" | "rebuild"; readonly stream: string };
const step = (...what: readonly Step["what"][]) => fc.record({ what: fc.constantFrom(...what), stream: fc.constantFrom(...streams) });
/** Some entities in any order, of which something is archived or dead-lettered then. */
const beginning = fc
  .tuple(fc.shuffledSubarray(streams, { minLength: 4 }), fc.array(step("letter", "archive", "archive", "archive_most"), { minLength: 2, maxLength: 6 }))
  .map(([some, steps]) => [...some.map((stream): Step => ({ what: "append", stream })), ...steps]);
const page = fc.record({
  steps: fc.array(step("append", "letter", "archive", "archive_most", "rebuild"), { maxLength: 3 }),
  instance: fc.nat(1),
  limit: fc.integer({ min: 1, max: 3 }),
});
const tenant = fc.constantFrom("default", everyTenant);
const filter: fc.Arbitrary<EntityFilterOptions> = fc.oneof(
  fc.record({ tenant }),
  fc.record<EntityFilterOptions, "tenant">(
    { tenant, laneState: fc.constantFrom("blocked", "flowing"), handler: fc.constant("ledger"), entityType: fc.constantFrom("order", "cart") },
    { requiredKeys: ["tenant"] },
  ),
);

/** Two instances: the rows of the second one were made after the first steps. */
async function aScene(first: readonly Step[]) {
  const { log, append, paid, journal, configure, open } = makeViewsFixture();
  await configure("ledger", { types: { "order.paid": "0" } });
  const blocked = new Set<string>();
  const folder = temporaryFolder();
  const instances = [await open({ file: join(folder, "one.db") })];

  const caughtUp = async () => {
    for (const views of instances) await views.waitFor(await log.head());
  };

  async function archive(stream: string, left: 0 | 1): Promise<void> {
    await caughtUp(); // they have rows of what goes
    const all: StoredEvent[] = [];
    for await (const batch of log.readStream(stream)) all.push(...batch);
    const gone = all.slice(0, all.length - left);
    const last = gone.at(-1);
    if (last === undefined || blocked.has(stream)) return;
    const first = gone[0]!.revision;
    const before = last.revision + 1;
    const counts = { [parseStreamName(stream)!.tenant]: before - first };
    await append(retentionStream, {
      type: "retention.archived",
      data: {
        ...{ runId: newId(), archive: "file:/a", segment: newId(), after: "0", through: String(last.position) },
        ...{ streams: [[stream, first, before, String(last.position), last.recordedAt]], handlers: { ledger: counts }, types: { "order.paid": counts } },
      } satisfies RetentionStreamData["retention.archived"],
    });
    await log.truncate(stream, before);
  }

  async function take({ what, stream }: Step): Promise<void> {
    if (what === "rebuild") await instances[0]!.rebuild();
    else if (what === "archive" || what === "archive_most") await archive(stream, what === "archive" ? 0 : 1);
    else {
      const [event] = await paid(stream);
      if (what === "append") return;
      blocked.add(stream);
      await journal("ledger", deadLettered(event!));
    }
  }

  for (const step of first) await take(step);
  await caughtUp();
  instances.push(await open({ file: join(folder, "other.db") }));
  return {
    instances,
    blocked,
    async take(steps: readonly Step[]) {
      for (const step of steps) await take(step);
      await caughtUp();
    },
    async close() {
      for (const views of instances) await views.close();
    },
  };
}

it("entities are neither passed over nor told twice, whatever comes between two pages and whoever is asked", { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(beginning, filter, fc.array(page, { minLength: 2, maxLength: 6 }), async (first, wanted, pages) => {
      const scene = await aScene(first);
      const isMeant = (stream: string, blocked: ReadonlySet<string>) => {
        const { tenant, entity } = parseStreamName(stream)!;
        if (wanted.tenant !== everyTenant && wanted.tenant !== tenant) return false;
        if (wanted.entityType !== undefined && wanted.entityType !== entity.type) return false;
        return wanted.laneState === undefined || blocked.has(stream) === (wanted.laneState === "blocked");
      };
      const before = new Set(scene.blocked);
      const meant = [...new Set(first.filter(({ what }) => what === "append" || what === "letter").map(({ stream }) => stream))];
      const shown: string[] = [];
      let cursor: string | null = null;
      for (let turn = 0; turn === 0 || cursor !== null; turn++) {
        const { steps, instance, limit } = pages[turn % pages.length]!;
        if (turn < pages.length) await scene.take(steps);
        const views = scene.instances[instance]!;
        const { entities, nextCursor }: Awaited<ReturnType<typeof views.entities>> = await views.entities(wanted, {
          limit,
          ...(cursor === null ? {} : { cursor }),
        });
        shown.push(...entities.map(({ tenant, entity }) => `${tenant}.${entity.type}-${entity.id}`));
        cursor = nextCursor;
      }
      expect(shown).toEqual([...new Set(shown)].toSorted());
      // One that came to be blocked meanwhile may be told or not, as it was when its page was made; so may one that is all archived, by who wants its types.
      const wants = wanted.laneState === undefined && wanted.handler === undefined;
      const sure = meant.filter((stream) => (wants || before.has(stream)) && isMeant(stream, before) && isMeant(stream, scene.blocked));
      expect(shown).toEqual(expect.arrayContaining(sure));
      expect(shown.filter((stream) => !isMeant(stream, before) && !isMeant(stream, scene.blocked))).toEqual([]);
      await scene.close();
    }),
    { numRuns: size(60, 2000) },
  );
});

it("a cursor of a release that numbered the rows of entities is refused", async () => {
  const views = await makeViewsFixture().open();
  const cursor = Buffer.from(JSON.stringify(["entities", "default", 17])).toString("base64url");
  const error = await views.entities({ tenant: "default" }, { limit: 5, cursor }).catch((reason: unknown) => reason);
  expect(isRepriseError(error, "REQUEST_INVALID")).toBe(true);
  expect(String(error)).toContain("another release");
});

it("a read of several turns begins again when other rows have come meanwhile", async () => {
  let rows = {};
  let reads = 0;
  const { read, now } = ofSameRows(() => rows, {
    now: () => "now",
    async read(fails: boolean) {
      const read = ++reads;
      await null;
      if (read === 1) rows = {};
      if (fails) throw new Error(`read ${read}`);
      return read;
    },
  });
  expect(now()).toBe("now");
  expect(await read(false)).toBe(2);
  expect(await read(false)).toBe(3);
  reads = 0;
  await expect(read(true)).rejects.toThrow("read 2");
});
