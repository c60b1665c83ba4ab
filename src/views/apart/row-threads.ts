/** The first thread's side of a second one. */
import { existsSync } from "node:fs";
import * as nodeModule from "node:module";
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import { systemClock } from "../../event/clock.ts";
import type { FromThread, ThreadBegins, ToThread } from "./messages.ts";

/** A transaction takes milliseconds, a rebuild's last one a second. Rows that were not committed are folded again. */
const stopPatienceMs = 5000;

const program = new URL("./thread.ts", import.meta.url);

/** False where a user has bundled all files into one: there is no program for a second thread then. */
export const threadsExist = (): boolean => existsSync(program);

/** Semi-spaces of 4 MB: what an event makes is garbage after its transaction. With 16 MB the thread takes as much time for it, and 20 MB more. */
const resourceLimits = { maxYoungGenerationSizeMb: 12 };

const semiSpace = /^--max[-_]semi[-_]space[-_]size=/;
const ofProcess = [...(process.env["NODE_OPTIONS"] ?? "").split(" "), ...process.execArgv].findLast((flag) => semiSpace.test(flag));

/** A flag of the whole process overrides the limits of a thread, whose heap looks for it when it is made. @returns sets the flag back, once that is done. */
function withoutFlag(): () => void {
  if (ofProcess === undefined) return () => {};
  setFlagsFromString("--max-semi-space-size=0");
  return () => setFlagsFromString(ofProcess);
}

export interface RowThread {
  tell(message: ToThread): void;
  /** It ends what it does, within seconds, or is ended. Resolves when it is gone. */
  stop(): Promise<void>;
}

/** @param ended told when it ends before it was stopped. */
export function startThread(begins: Omit<ThreadBegins, "compiled">, take: (message: FromThread) => void, ended: (error: Error) => void): RowThread {
  const workerData: ThreadBegins = { ...begins, compiled: nodeModule.getCompileCacheDir() ?? null };
  const flagBack = withoutFlag();
  const worker = new Worker(program, { workerData, resourceLimits, transferList: begins.log?.work ? [begins.log.work] : [] });
  worker.unref();
  worker.once("online", flagBack).once("exit", flagBack);
  const gone = Promise.withResolvers<void>();
  let failure = new Error("The thread that writes the views has ended.");
  let stopped = false;
  worker.on("message", take);
  worker.on("error", (error) => (failure = error instanceof Error ? error : new Error(String(error))));
  worker.on("exit", () => {
    gone.resolve();
    if (!stopped) ended(failure);
  });
  const tell = (message: ToThread) => worker.postMessage(message);
  return {
    tell,
    stop() {
      stopped = true;
      worker.ref();
      tell({ is: "stop" });
      const late = systemClock.after(stopPatienceMs, () => void worker.terminate());
      return gone.promise.finally(() => late.cancel());
    },
  };
}
