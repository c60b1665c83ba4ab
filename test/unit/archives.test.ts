import { expect, it } from "vitest";
import { makeArchives } from "../../src/retention/archive/archives.ts";
import { openArchive } from "../../src/retention/archive/open-archive.ts";
import { allOf, archivedLogId, eventsOfOrders, inBatches } from "../support/archived-events.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

it("finds event after event without asking each time which archives there are, and one that has come into use meanwhile", async () => {
  const events = eventsOfOrders(20);
  const urls = [`file:${temporaryFolder()}`];
  const put = async (url: string, some: typeof events) => {
    const archive = await openArchive(url, archivedLogId);
    await allOf(archive.write(inBatches(some)));
    await archive.close();
  };
  await put(urls[0]!, events.slice(0, 15));
  let asked = 0;
  const archives = makeArchives(async () => (asked++, [...urls]), archivedLogId);
  for (const { tenant, id } of events.slice(0, 15)) expect((await archives.find(tenant, id))?.event.id).toBe(id);
  expect(asked).toBe(1);
  const { tenant, id } = events[19]!;
  expect(await archives.find(tenant, id)).toBeNull();
  urls.push(`file:${temporaryFolder()}`);
  await put(urls[1]!, events.slice(15));
  expect((await archives.find(tenant, id))?.event.id).toBe(id);
  await archives.close();
});
