import type { Command } from "commander";
import type { ArchiveFinding, VerifiedArchive } from "../../../retention/archive/verify.ts";
import { plainUrl, recordedSegments } from "../../../retention/recorded-segments.ts";
import type { World } from "../../command.ts";
import { exit } from "../../exit.ts";
import { namedLog } from "../../named-log.ts";
import { countText, type PrintOptions } from "../../print.ts";
import { eachPlace, logsAt, type PlaceFlags, working } from "./places.ts";

interface VerifyFlags extends Omit<PrintOptions, "quiet">, PlaceFlags {
  readonly quiet?: boolean;
  readonly log?: string;
}

interface Report {
  readonly archive: string;
  readonly verified: VerifiedArchive;
  readonly findings: readonly ArchiveFinding[];
}

/** A file with a million damaged places is told of by the first ones. */
const shownFindings = 1000;

export function addArchiveVerify(archive: Command, world: World): void {
  archive
    .command("verify")
    .description("read archives whole, and name each place that is not as it was written; nothing is changed")
    .option("--archive <url...>", "file:<folder> or s3://<bucket>/<prefix>; default: those of the config")
    .option("--config <file>", "the config whose archives are meant")
    .option("--log <log>", "only the archive of this log, which must have one there; default: of every log that has one there")
    .action(async (_flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<VerifyFlags>();
      const reports = await working(() => verifyAll(flags, world));
      print(reports, flags, world);
      world.exitCode = reports.some(({ findings }) => findings.some(({ isDamage }) => isDamage)) ? exit.failed : exit.ok;
    });
}

async function verifyAll(flags: VerifyFlags, world: World): Promise<readonly Report[]> {
  const { verifyArchive } = await import("../../../retention/archive/verify.ts");
  const only = flags.log === undefined ? null : await recordOf(namedLog(flags.log, world.env));
  const reports: Report[] = [];
  await eachPlace(flags, world, async (place) => {
    for (const logId of only === null ? await logsAt(place, flags) : [only.logId]) {
      const findings: ArchiveFinding[] = [];
      const verified = await verifyArchive(
        place,
        logId,
        (finding) => void (findings.length < shownFindings && findings.push(finding)),
        only?.recorded.get(plainUrl(place.url)),
      );
      reports.push({ archive: place.url, verified, findings });
    }
  });
  return reports;
}

/** What a log has on record. */
async function recordOf(url: string) {
  const { openLogReadOnly } = await import("../../../log/open-log.ts");
  const log = await openLogReadOnly(url);
  try {
    return { logId: log.logId, recorded: await recordedSegments(log) };
  } finally {
    await log.close();
  }
}

function wireFinding({ file, segment, line, eventId, detail, isDamage }: ArchiveFinding) {
  return { file, segment, line, event_id: eventId, detail, damage: isDamage };
}

function print(reports: readonly Report[], { output, quiet = false }: VerifyFlags, { terminal }: World): void {
  const damages = reports.flatMap(({ findings }) => findings.filter(({ isDamage }) => isDamage));
  if (quiet) for (const { file } of damages) terminal.out(`${file}\n`);
  else if (output === "json") {
    const archives = reports.map(({ archive, verified: { logId, ...counts }, findings }) => ({
      archive,
      log_id: logId,
      ...counts,
      findings: findings.map(wireFinding),
    }));
    terminal.out(`${JSON.stringify({ ok: damages.length === 0, archives }, null, 2)}\n`);
  } else if (output === "ndjson") for (const { findings } of reports) for (const finding of findings) terminal.out(`${JSON.stringify(wireFinding(finding))}\n`);
  else {
    for (const { archive, verified, findings } of reports) {
      const what = `${archive}, log ${verified.logId}: ${countText(verified.segments, "segment")}, ${countText(verified.events, "event")}, ${countText(verified.bytes, "byte")}`;
      terminal.out(`${what}${findings.some(({ isDamage }) => isDamage) ? "" : ", all as they were written"}.\n`);
      for (const finding of findings) terminal.out(findingText(finding));
    }
    if (reports.length === 0) terminal.err("No log has an archive there.\n");
  }
}

function findingText({ file, line, eventId, detail, isDamage }: ArchiveFinding): string {
  const where = [file, line === null ? null : `line ${line}`, eventId === null ? null : `event ${eventId}`].filter((part) => part !== null).join(", ");
  return `  ${isDamage ? "DAMAGED" : "note"} ${where}\n    ${detail}\n`;
}
