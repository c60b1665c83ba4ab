/** The files around a catalog: its config, its lock, and payloads kept as samples. */
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { checkDefinitionsOnly } from "../catalog/lock/check-definitions-only.ts";
import type { Finding } from "../catalog/lock/finding.ts";
import * as found from "../catalog/lock/findings.ts";
import { type Lock, readLock, writeLock } from "../catalog/lock/lock.ts";
import { type LockSubject, makeSubject, type RealSample } from "../catalog/lock/subject.ts";
import type { Config } from "../config/config.ts";
import { isRepriseError } from "../errors.ts";
import type { Json } from "../event/event.ts";
import { parseJsonText } from "../http/json.ts";
import { replaceFile } from "../log/durable-files.ts";
import { exit, Failure, usage } from "./exit.ts";
import { standardConfig } from "./serve-settings.ts";

export interface SchemaFlags {
  readonly config?: string;
  readonly lock?: string;
}

/** Where the lock of a config is: `schemas/lock.json` beside it, or the file that `--lock` names. */
export function lockFile({ config = standardConfig, lock }: SchemaFlags): string {
  return lock === undefined ? resolve(dirname(resolve(config)), "schemas/lock.json") : resolve(lock);
}

/** The path as people write it: relative to the working directory. */
export function shownPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near === "" || near.startsWith("..") ? path : near;
}

/** @returns null where there is no file; a finding where it cannot be used. */
export function loadLock(path: string): Lock | Finding | null {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return null;
  const lock = readLock(readFileSync(path, "utf8"));
  return typeof lock === "string" ? found.unreadableLock(shownPath(path), lock) : lock;
}

/** It appears under its name when it is whole. @returns false when it was the same already. */
export function saveLock(path: string, lock: Lock): boolean {
  const text = writeLock(lock);
  if (statSync(path, { throwIfNoEntry: false }) !== undefined && readFileSync(path, "utf8") === text) return false;
  mkdirSync(dirname(path), { recursive: true });
  replaceFile(path, text);
  return true;
}

export interface LoadedConfig extends LockSubject {
  readonly config: Config;
}

/**
 * Loads a config and its catalog, or says what is wrong in the words of the lock's rules.
 *
 * @throws Failure (usage) when there is no such file.
 */
export async function loadSubject({ config: given }: SchemaFlags, lock: Lock | null): Promise<LoadedConfig | readonly Finding[]> {
  const path = resolve(given ?? standardConfig);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) throw usage(`There is no config file ${path}: name another one with --config.`);
  const [{ loadConfig }, { checkConfig }] = await Promise.all([import("../config/load-config.ts"), import("../config/config.ts")]);
  let config: Config;
  try {
    config = await loadConfig(path);
  } catch (error) {
    if (!isRepriseError(error)) throw error;
    return [found.configDoesNotLoad(error.message)];
  }
  try {
    checkConfig(config);
    return { config, ...makeSubject(config) };
  } catch (error) {
    if (!isRepriseError(error)) throw error;
    const { events, upcasters = [] } = config;
    const whole = error.errors.length === 0; // else its very shape is wrong
    const gaps = whole ? checkDefinitionsOnly(lock, events, upcasters) : [];
    const places = error.errors.map(({ pointer, detail }) => ` ${pointer}: ${detail}.`).join("");
    return gaps.length > 0 ? gaps : [found.configInvalid(`${error.message}${places}`, error.remedy)];
  }
}

/** For commands that only read: @throws Failure with what is wrong. */
export async function requireSubject(flags: SchemaFlags): Promise<LoadedConfig> {
  const subject = await loadSubject(flags, null);
  if (!Array.isArray(subject)) return subject as LoadedConfig;
  throw new Failure(exit.usage, (subject as readonly Finding[]).map(({ message, remedy }) => `${message}\n${remedy}`).join("\n"));
}

const maxSamples = 1000;
const maxSampleBytes = 960_000;

/**
 * The payloads below `folder` in `<event type>/samples/v<version>/<name>.json`, former names of a type included.
 *
 * @throws Failure for a file that is no JSON or too large, and for more than a thousand.
 */
export function readRealSamples(folder: string, { types }: LockSubject): readonly RealSample[] {
  const samples: RealSample[] = [];
  for (const { type, formerly } of types) {
    for (const name of [type, ...formerly]) {
      const home = join(folder, name, "samples");
      for (const version of foldersOf(home)) {
        const number = /^v([1-9]\d{0,2})$/.exec(version)?.[1];
        if (number === undefined) throw usage(`${join(home, version)} is no folder of samples: name it v1, v2 …, by the version of the payloads.`);
        for (const file of filesOf(join(home, version)))
          samples.push({ type, version: Number(number), name: `real/${file.replace(/\.json$/, "")}`, data: readSample(join(home, version, file)) });
      }
    }
  }
  if (samples.length > maxSamples) throw usage(`There are ${samples.length} samples below ${folder}: at most ${maxSamples} are read.`);
  return samples;
}

function foldersOf(home: string): readonly string[] {
  if (statSync(home, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return readdirSync(home, { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
    .sort();
}

function filesOf(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .sort();
}

function readSample(path: string): Json {
  if (statSync(path).size > maxSampleBytes) throw usage(`The sample ${path} is larger than the ${maxSampleBytes} bytes that an append takes.`);
  try {
    return parseJsonText(readFileSync(path, "utf8")) as Json;
  } catch (error) {
    if (!isRepriseError(error)) throw error;
    const [place] = error.errors;
    throw usage(`The sample ${path} is no payload that an append takes: ${error.message}${place === undefined ? "" : ` ${place.pointer}: ${place.detail}.`}`);
  }
}
