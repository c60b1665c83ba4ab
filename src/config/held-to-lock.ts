/** Checks the lock at start, because a published schema or step that has changed would give stored events another meaning unnoticed. */
import { readFileSync, statSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { checkLock } from "../catalog/lock/check-lock.ts";
import { type Finding, findingText, isAddition } from "../catalog/lock/finding.ts";
import { unreadableLock } from "../catalog/lock/findings.ts";
import { readLock } from "../catalog/lock/lock.ts";
import { makeSubject } from "../catalog/lock/subject.ts";
import { RepriseError } from "../errors.ts";
import type { Config } from "./config.ts";
import { configFileOf } from "./load-config.ts";

export interface LockOptions {
  /** The lock file; default: `schemas/lock.json` beside the config file that `loadConfig` read, if there is one. `false`: no lock is checked. */
  readonly lock?: string | false;
  /** Starts although the lock is broken, and warns. */
  readonly allowUnlocked?: boolean;
}

/** The files of samples need not be on the machine of the service, because the lock holds their results. */
const isOfFiles = ({ rule }: Finding): boolean => rule.startsWith("sample-");
/** The most findings in one message. */
const shownFindings = 10;

/**
 * Compares a checked config with its lock. Versions and steps may be missing there, and code may be written differently: only changed results count.
 *
 * @returns warnings, a sentence each: none when nothing published has changed, or there is no lock.
 * @throws SCHEMA_LOCK_BROKEN in the words of `schema check`, unless `allowUnlocked`.
 */
export function heldToLock(config: Config, { lock, allowUnlocked = false }: LockOptions): readonly string[] {
  const path = lock === false ? null : lock === undefined ? besideConfig(config) : resolve(lock);
  if (path === null) return [];
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
    if (lock === undefined) return [];
    throw new RepriseError("CONFIG_INVALID", `There is no lock file ${path}: run \`reprise schema lock\`, or name no lock.`);
  }
  const shown = shownPath(path);
  const read = readLock(readFileSync(path, "utf8"));
  const findings = typeof read === "string" ? [unreadableLock(shown, read)] : checkLock(read, makeSubject(config), []);
  const broken = findings.filter((finding) => !isAddition(finding) && !isOfFiles(finding));
  if (broken.length === 0) return [];
  const more = broken.length - shownFindings;
  if (allowUnlocked) {
    const names = broken
      .slice(0, shownFindings)
      .map(({ rule, type, version }) => `${rule}${type === null ? "" : ` ${type}`}${version === null ? "" : `@${version}`}`);
    return [`The schema lock ${shown} is broken: ${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}. \`reprise schema check\` says what to do.`];
  }
  const texts = broken.slice(0, shownFindings).map(findingText);
  throw new RepriseError(
    "SCHEMA_LOCK_BROKEN",
    `What ${shown} says was published is not what this build has:\n\n${texts.join("\n")}${more > 0 ? `\nand ${more} more: \`reprise schema check\` shows all.\n` : ""}`,
  );
}

function besideConfig(config: Config): string | null {
  const file = configFileOf(config);
  return file === undefined ? null : resolve(dirname(file), "schemas/lock.json");
}

/** The path as people write it: relative to the working directory. */
function shownPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near === "" || near.startsWith("..") ? path : near;
}
