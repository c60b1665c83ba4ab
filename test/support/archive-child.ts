/** A process that archives events, for tests that kill it: `node archive-child.ts <folder> <events>`. */
import { openArchive } from "../../src/retention/archive/open-archive.ts";
import { archivedLogId, eventsOfOrders, inBatches } from "./archived-events.ts";

const [, , folder, events] = process.argv;
const archive = await openArchive(`file:${folder}`, archivedLogId, { segmentBytes: 20_000 });
process.stdout.write("began\n");
for await (const { entry } of archive.write(inBatches(eventsOfOrders(Number(events), 5, 200)))) process.stdout.write(`${entry.name}\n`);
process.stdout.write("ended\n");
