/** The second thread: brings the rows of one file up to the log, and keeps them there, while the first one serves. */
import type { MessagePort } from "node:worker_threads";
import { systemClock } from "../../event/clock.ts";
import { openDatabase } from "../database.ts";
import { makeProjector } from "../projector.ts";
import { eventsPerCommit, makeRowFold } from "../row-fold.ts";
import { configureStore, probeStore } from "../store-file.ts";
import { EarlySyncs } from "./early-syncs.ts";
import type { FromThread, ThreadBegins, ToThread } from "./messages.ts";
import { Rests } from "./rests.ts";
import { SharedPlaces } from "./shared-places.ts";
import { openThreadLog } from "./thread-log.ts";

export function runRowThread(port: MessagePort, { file, use, from, shared: buffer, waiting, ...begins }: ThreadBegins): void {
  const shared = new SharedPlaces(buffer);
  const tell = (message: FromThread) => port.postMessage(message);
  const db = openDatabase(file);
  db.watch((error) => tell({ is: "damage", why: whyOf(error) }));
  configureStore(db, use);
  let wantedChanged = false;
  const rows = makeRowFold(db, () => (wantedChanged = true), eventsPerCommit[use === "live" ? "liveApart" : use]);
  const log = openThreadLog(begins, shared, tell);
  const earlySyncs = use === "live" ? new EarlySyncs(file, db) : null; // a rebuild has no write-ahead log
  const isAwaited = () => use === "live" && Atomics.load(waiting, 0) > 0;
  const rests = new Rests(systemClock, isAwaited, shared);
  const projector = makeProjector({
    ...{ store: rows, from, log, clock: systemClock },
    rest: (signal) => rests.rest(signal),
    isAwaited,
    onMoved() {
      shared.rows = projector.position();
      if (wantedChanged) shared.wantedChanged();
      wantedChanged = false;
      if (shared.mayTell()) tell({ is: "moved" });
      earlySyncs?.committed();
    },
    onTrouble(error) {
      shared.inTrouble = true;
      tell({ is: "trouble", why: whyOf(error) });
    },
    onWell() {
      shared.inTrouble = false;
    },
  });
  projector.start();

  port.on("message", (message: ToThread) => {
    if (message.is === "probe") tell({ is: "probed", why: whyNot(() => probeStore(db, rows)) });
    else if (message.is === "stop") void stop();
    else if (message.is === "awaited") rests.end();
    else log.take(message);
  });

  async function stop(): Promise<void> {
    await projector.stop();
    log.close();
    earlySyncs?.close();
    db.close();
    process.exit(0); // of this thread
  }
}

function whyNot(act: () => void): string | null {
  try {
    act();
    return null;
  } catch (error) {
    return whyOf(error);
  }
}

function whyOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
