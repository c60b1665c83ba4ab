/** The second thread's side of reading ahead. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { MessagePort } from "node:worker_threads";
import { openRaw } from "../open-raw.ts";
import type { AheadBegins, FromAhead, ReadFrom, ToAhead } from "./messages.ts";
import { makeReadPage, type ReadPage } from "./read-page.ts";

interface Reading {
  readonly readPage: ReadPage;
  after: number;
  end: number;
  /** Pages that may be on their way. */
  pages: number;
}

/** Reads pages until it is told to close. SQLite drops the pages that it read as soon as the owner has committed, so few are kept. */
export function answerPages(port: MessagePort, { path, limits }: AheadBegins): void {
  const db = openRaw(path, "read");
  db.exec("pragma cache_size = -1024");
  const readings = new Map<number, Reading>();
  let working = false;
  const tell = (message: FromAhead, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

  const begin = ({ types, after }: ReadFrom, end: number, pages: number): Reading => ({ readPage: makeReadPage(db, types, limits), after, end, pages });

  /** In turns, so that messages are taken between two pages. */
  async function work(): Promise<void> {
    if (working) return;
    working = true;
    for (let worked = true; worked; ) {
      worked = false;
      for (const [number, reading] of readings) {
        if (reading.pages === 0 || reading.after >= reading.end) continue;
        step(number, reading);
        worked = true;
        await nextTurn();
      }
    }
    working = false;
  }

  function step(number: number, reading: Reading): void {
    const page = pageOf(reading);
    if (page === null) {
      readings.delete(number);
      tell({ is: "not_read", reading: number });
      return;
    }
    reading.after = page.reached;
    reading.pages--;
    tell({ is: "page", reading: number, page }, [page.numbers.buffer]);
  }

  port.on("message", (message: ToAhead) => {
    if (message.is === "close") {
      db.close();
      process.exit(0); // of this thread
    }
    const reading = readings.get(message.reading);
    if (message.is === "read") readings.set(message.reading, begin(message.from, message.end, message.pages));
    else if (message.is === "done") readings.delete(message.reading);
    else if (reading !== undefined) {
      reading.pages += message.taken;
      reading.end = message.end;
    }
    void work();
  });
  tell({ is: "ready" });
}

/** What goes wrong here goes wrong again where the owner reads the page, who can tell why. */
function pageOf({ readPage, after, end }: Reading) {
  try {
    return readPage(after, end);
  } catch {
    return null;
  }
}
