/** The archives that a command was told to work on: by `--archive`, or those of the config. */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { isRepriseError } from "../../../errors.ts";
import type { ArchivePlace } from "../../../retention/archive/archive-place.ts";
import type { World } from "../../command.ts";
import { exit, Failure, usage } from "../../exit.ts";
import { standardConfig } from "../../serve-settings.ts";
import type { WalkedArchives } from "../../walk-archives.ts";

export interface PlaceFlags {
  readonly archive?: readonly string[];
  readonly config?: string;
}

/** Does something with each place; each is closed. */
export async function eachPlace(flags: PlaceFlags, { env }: World, act: (place: ArchivePlace) => Promise<void>): Promise<void> {
  // Loaded here, so that the commands that only talk to a service start fast.
  const { openPlace } = await import("../../../retention/archive/open-archive.ts");
  const { urls, credentials } = await archivesOf(flags);
  for (const url of urls) {
    const place = await openPlace(url, { env, credentials });
    try {
      await act(place);
    } finally {
      await place.close();
    }
  }
}

/** Whose archives a place has. @throws where somebody named the place and it has none: an address with a slip in it must not pass for an archive that is whole. */
export async function logsAt(place: ArchivePlace, { archive }: PlaceFlags): Promise<readonly string[]> {
  const { logsIn } = await import("../../../retention/archive/logs-in.ts");
  const logs = await logsIn(place);
  if (logs.length === 0 && archive !== undefined) throw usage(`No log has an archive at ${place.url}.`);
  return logs;
}

async function archivesOf({ archive, config }: PlaceFlags): Promise<WalkedArchives> {
  if (archive !== undefined) return { urls: archive };
  const path = resolve(config ?? standardConfig);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true)
    throw usage(`There is no config file ${path}: name an archive with --archive, or a config with --config.`);
  const [{ loadConfig }, { checkConfig }] = await Promise.all([import("../../../config/load-config.ts"), import("../../../config/config.ts")]);
  const { retention, archiveCredentials: credentials } = checkConfig(await loadConfig(path));
  const urls = [...new Set(retention.map((rule) => rule.archive))];
  if (urls.length === 0) throw usage(`The config ${path} has no \`retention\`, so it names no archive: name one with --archive.`);
  return { urls, credentials };
}

/** What goes wrong in an archive, with the exit code that goes with it. */
export async function working<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!isRepriseError(error)) throw error;
    const { kind, code, message, remedy } = error;
    const how = kind === "unavailable" ? exit.unreachable : kind === "config" ? exit.usage : kind === "defect" ? exit.failed : exit.refused;
    throw new Failure(how, `${message} (${code})\n${remedy}`, { code, message });
  }
}
