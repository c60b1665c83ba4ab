import type { Command } from "commander";
import type { SegmentReply, SegmentsReply } from "../../../http/wire/archive.ts";
import { addFilters, openSession, queryOf, type World } from "../../command.ts";
import { type Column, type PrintOptions, printList } from "../../print.ts";
import { eachPlace, logsAt, working } from "./places.ts";

interface ListFlags extends Omit<PrintOptions, "quiet"> {
  readonly quiet?: boolean;
  readonly archive?: readonly string[];
}

type Row = SegmentReply & { readonly log_id: string };

const columns: readonly Column<Row>[] = [
  ["SEGMENT", ({ name }) => name],
  ["EVENTS", ({ events }) => events],
  ["BYTES", ({ bytes }) => bytes],
  [
    "POSITIONS",
    ({ first_position, last_position }) => `${first_position} – ${last_position}`,
    ({ first_position, last_position }) => [`positions ${first_position} – ${last_position}`],
  ],
  ["SHA-256", ({ sha256 }) => sha256.slice(0, 16), ({ sha256 }) => [`sha256 ${sha256}`]],
  ["LOG", ({ log_id }) => log_id, ({ log_id, archive }) => [`of the log ${log_id}, in ${archive}`]],
];

export function addArchiveList(archive: Command, world: World): void {
  const command = archive
    .command("ls")
    .description("the segments, oldest first: those of a running service, or of an archive that is named")
    .option("--archive <url...>", "read this archive itself: file:<folder> or s3://<bucket>/<prefix>; of every log that has one there");
  addFilters(command, ["limit", "cursor"]).action(async (flags: ListFlags & Record<string, unknown>, command: Command) => {
    const all = command.optsWithGlobals<ListFlags>();
    const print = (rows: readonly Row[], reply: unknown): void =>
      printList(world.terminal, { output: all.output, quiet: all.quiet ?? false }, { reply, rows, columns, id: ({ name }) => name, empty: "No segments." });
    if (all.archive !== undefined) {
      const rows = await working(() => rowsOf(all.archive!, world));
      return print(rows, { segments: rows });
    }
    const session = openSession(command, world);
    const reply = await session.client.get<SegmentsReply>("/archive/segments", await queryOf(session, ["limit", "cursor"], flags));
    print(
      reply.segments.map((segment) => ({ ...segment, log_id: reply.log_id })),
      reply,
    );
    if (reply.next_cursor !== null && all.output === "table") world.terminal.err(`More: --cursor ${reply.next_cursor}\n`);
  });
}

async function rowsOf(archive: readonly string[], world: World): Promise<readonly Row[]> {
  const [{ archiveAt }, { wireSegment }] = await Promise.all([
    import("../../../retention/archive/open-archive.ts"),
    import("../../../retention/archive/manifest.ts"),
  ]);
  const rows: Row[] = [];
  await eachPlace({ archive }, world, async (place) => {
    for (const log_id of await logsAt(place, { archive }))
      for (const entry of await archiveAt(place, log_id).segments()) rows.push({ ...wireSegment(entry), archive: place.url, log_id });
  });
  return rows;
}
