/**
 * What a process says as it ends by itself, so that the next start can tell a handler that ends the process from a kill from outside: a file in the data
 * folder, written as the last act. An exit and an uncaught error still run JavaScript. Node's abort and kill are wrapped; when the heap is full Node itself
 * writes the file, as its report on a fatal error. A supervisor above the service would be told all of this by the kernel, but it would have to be killed
 * and waited for in the service's place, and a library has none.
 */
import { closeSync, mkdirSync, openSync, readdirSync, rmSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import type { NewId } from "../event/ids.ts";
import type { LastEnds } from "./partition/ends.ts";

export interface EndMarker extends LastEnds {
  /** From now on the end of this process leaves a marker. */
  watch(): void;
  /** The markers of earlier processes are not needed any more: what they say is on record. */
  settled(): void;
  /** The store closes: an end of the process from here on is blamed on no event. */
  close(): void;
}

const pattern = /^ended-([0-9a-f-]{36})\.json$/;
const fileName = (life: string): string => `ended-${life}.json`;

/** Files of the stores that are at work in this process. */
const watched = new Set<string>();
/** Takes the wrappers off Node's functions again. */
let release: (() => void) | null = null;

/** Signals that end a process even if it has a listener for them. */
const deadly: ReadonlySet<unknown> = new Set(["SIGKILL", "SIGABRT", "SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", 9, 6, 11, 7, 4, 8]);

function mark(): void {
  for (const file of watched)
    try {
      closeSync(openSync(file, "w", 0o600));
    } catch {
      // The disk is full, or the folder is gone: then the next start sees an end without a marker.
    }
}

function wrap(): () => void {
  const { abort, kill } = process;
  const marking = {
    abort(): never {
      mark();
      return abort.call(process);
    },
    kill(pid: number, signal?: string | number): true {
      if (pid === process.pid && deadly.has(signal)) mark();
      return kill.call(process, pid, signal);
    },
  };
  Object.assign(process, marking);
  process.on("exit", mark);
  syncBuiltinESMExports();
  return () => {
    process.off("exit", mark);
    if (process.abort === marking.abort) process.abort = abort;
    if (process.kill === marking.kill) process.kill = kill;
    syncBuiltinESMExports();
  };
}

/** Does nothing where somebody else has set up reports: a full heap then leaves no marker. @returns a function that undoes this. */
function reportTo(folder: string, filename: string): () => void {
  const report = process.report as typeof process.report & { excludeNetwork: boolean };
  if (report.reportOnFatalError) return () => {};
  const { directory: ownFolder, filename: ownName, excludeEnv, excludeNetwork } = report;
  // Without environment variables, which may be keys, and without names of other machines, which take seconds to look up.
  Object.assign(report, { directory: folder, filename, excludeEnv: true, excludeNetwork: true, reportOnFatalError: true });
  return () => {
    if (report.filename === filename) Object.assign(report, { directory: ownFolder, filename: ownName, excludeEnv, excludeNetwork, reportOnFatalError: false });
  };
}

/** @param folder where this store keeps its views or its log: it must be the same one at the next start. */
export function makeEndMarker(folder: string, newId: NewId): EndMarker {
  const life = newId();
  const file = join(folder, fileName(life));
  const told = new Set(filesIn(folder).flatMap((name) => pattern.exec(name)?.[1] ?? []));
  let unreport = () => {};
  return {
    life,
    told: (other) => told.has(other),
    watch() {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      watched.add(file);
      release ??= wrap();
      unreport = reportTo(folder, fileName(life));
    },
    settled() {
      for (const other of told) rmSync(join(folder, fileName(other)), { force: true });
    },
    close() {
      unreport();
      watched.delete(file);
      if (watched.size > 0) return;
      release?.();
      release = null;
    },
  };
}

/** Ends the process by Reprise's own decision: no event is suspected of it. */
export function leave(code: number): never {
  watched.clear();
  process.exit(code);
}

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // it is made later
  }
}
