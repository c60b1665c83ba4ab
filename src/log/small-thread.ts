import { existsSync } from "node:fs";
import * as nodeModule from "node:module";
import { setFlagsFromString } from "node:v8";
import { type Transferable, Worker } from "node:worker_threads";
import { systemClock } from "../event/clock.ts";

/** What it does at a time takes milliseconds; the last transaction of a rebuild of the views takes a second. */
const stopPatienceMs = 5000;

/** Semi-spaces of 4 MB: what an event makes is soon garbage. With 16 MB the thread of the views takes as much time for it, and 20 MB more. */
const resourceLimits = { maxYoungGenerationSizeMb: 12 };

const semiSpace = /^--max[-_]semi[-_]space[-_]size=/;
const ofProcess = [...(process.env["NODE_OPTIONS"] ?? "").split(" "), ...process.execArgv].findLast((flag) => semiSpace.test(flag));

/** A flag of the whole process overrides the limits of a thread, whose heap looks for it when it is made. @returns sets the flag back, once that is done. */
function withoutFlag(): () => void {
  if (ofProcess === undefined) return () => {};
  setFlagsFromString("--max-semi-space-size=0");
  return () => setFlagsFromString(ofProcess);
}

/** What each thread is told beside its own: where Node keeps what it has compiled. */
export interface Compiled {
  readonly compiled: string | null;
}

/** A second thread of this process, as the first one has it. */
export interface SmallThread<To> {
  tell(message: To): void;
  /** It ends what it does, within seconds, or is ended. Resolves when it is gone. */
  stop(): Promise<void>;
}

export interface SmallThreadOptions<To, From> {
  /** Told as `workerData`, with `Compiled`. */
  readonly begins: object;
  readonly transferList?: readonly Transferable[];
  /** The message at which it ends by itself. */
  readonly stop: To;
  take(message: From): void;
  /** Told when it ends before it was stopped. */
  ended(error: Error): void;
}

/** False where a user has bundled all files into one: there is no program for a second thread then. */
export const isThere = (program: URL): boolean => existsSync(program);

/** It does not keep the process alive. */
export function startSmallThread<To, From>(program: URL, { begins, transferList = [], stop, take, ended }: SmallThreadOptions<To, From>): SmallThread<To> {
  const workerData = { ...begins, compiled: nodeModule.getCompileCacheDir() ?? null };
  const flagBack = withoutFlag();
  const worker = new Worker(program, { workerData, resourceLimits, transferList: [...transferList] });
  worker.unref();
  worker.once("online", flagBack).once("exit", flagBack);
  const gone = Promise.withResolvers<void>();
  let failure = new Error("A second thread of this process has ended.");
  let stopped = false;
  worker.on("message", take);
  worker.on("error", (error) => (failure = error instanceof Error ? error : new Error(String(error))));
  worker.on("exit", () => {
    gone.resolve();
    if (!stopped) ended(failure);
  });
  const tell = (message: To) => worker.postMessage(message);
  return {
    tell,
    stop() {
      stopped = true;
      worker.ref();
      tell(stop);
      const late = systemClock.after(stopPatienceMs, () => void worker.terminate());
      return gone.promise.finally(() => late.cancel());
    },
  };
}
