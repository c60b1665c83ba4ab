/** The console's page as it is built: read once, kept in memory, each file in three encodings. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Best first: what `Accept-Encoding` lets us choose from. */
const encodings = { br: ".br", gzip: ".gz", identity: "" } as const;
export type Encoding = keyof typeof encodings;

export interface ConsoleFile {
  readonly bytes: Readonly<Record<Encoding, Buffer>>;
  /** One for each encoding, as they are different bytes. */
  readonly etags: Readonly<Record<Encoding, string>>;
}

/** By their paths: `index.html`, `scripts/main-<hash>.js`, `styles/main-<hash>.css`, `images/icon-<hash>.svg`. */
export type ConsoleFiles = ReadonlyMap<string, ConsoleFile>;

/** Building takes seconds; what takes longer stands still. */
const maxBuildMs = 120_000;

let reading: Promise<ConsoleFiles> | null = null;

/** Read by the first who asks. In a checkout they are built then, beside the service, unless they were built of the same sources before. */
export function consoleFiles(): Promise<ConsoleFiles> {
  reading ??= folderOfFiles().then(readFiles);
  reading.catch(() => (reading = null));
  return reading;
}

async function folderOfFiles(): Promise<string> {
  const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  if (!import.meta.url.endsWith(".ts")) return at("../../console");
  // In a process of its own: the build tool is no part of a service, and would hold its thread.
  const { stdout } = await promisify(execFile)(process.execPath, [at("../../console/build.ts")], { timeout: maxBuildMs });
  return stdout.trim();
}

function readFiles(folder: string): ConsoleFiles {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => /\.(html|js|css|svg)$/.test(path));
  return new Map(paths.map((path) => [path.replaceAll("\\", "/"), readFile(join(folder, path))]));
}

function readFile(path: string): ConsoleFile {
  const each = Object.entries(encodings).map(([encoding, ending]) => [encoding, readFileSync(path + ending)] as const);
  const etags = each.map(([encoding, bytes]) => [encoding, `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`] as const);
  return { bytes: Object.fromEntries(each), etags: Object.fromEntries(etags) } as unknown as ConsoleFile;
}

/** The smallest encoding that a client takes. */
export function encodingFor(accepted: string | undefined): Encoding {
  const taken = new Set(
    (accepted ?? "")
      .toLowerCase()
      .split(",")
      .filter((range) => !/;\s*q\s*=\s*0(?:\.0*)?\s*$/.test(range))
      .map((range) => range.split(";", 1)[0]!.trim()),
  );
  return (Object.keys(encodings) as Encoding[]).find((encoding) => taken.has(encoding)) ?? "identity";
}
