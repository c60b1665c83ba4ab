import { isRepriseError } from "../errors.ts";
import type { StoredEvent } from "../event/event.ts";
import { exit, Failure } from "./exit.ts";
import { hearStop } from "./hear-stop.ts";
import type { Terminal } from "./terminal.ts";
import { type WalkedArchives, walkArchives } from "./walk-archives.ts";

export interface Walk {
  /** Events that could not be decoded, and were passed over. */
  readonly passedOver: number;
  /** Events of archives; null: there is none. */
  readonly archived: number | null;
  /** False when a signal ended it. */
  readonly complete: boolean;
}

const barWidth = 30;
/** How often the bar is drawn. */
const drawEvery = 2048;

/**
 * Reads a log from its beginning to where it ends now, without the right to change it; an embedded one may be in use.
 *
 * @throws Failure: unreachable, or no log there.
 */
export async function walkLog(
  url: string,
  terminal: Terminal,
  title: string,
  each: (event: StoredEvent) => void,
  archives: WalkedArchives = { urls: [] },
): Promise<Walk> {
  // Loaded here, so that the commands that only talk to a service start fast.
  const { openLogReadOnly } = await import("../log/open-log.ts");
  const stopped = hearStop("kills");
  const bar = makeBar(terminal, title);
  try {
    const log = await openLogReadOnly(url);
    try {
      const head = Number(await log.head());
      let seen = 0;
      for await (const batch of log.readAll()) {
        for (const event of batch) {
          each(event);
          if (++seen % drawEvery === 0) bar.draw(Number(event.position) / head, seen);
        }
        if (stopped.signal.aborted) break;
      }
      const archived = stopped.signal.aborted ? null : await walkArchives(archives, log, each, stopped.signal);
      return { passedOver: log.passedOver ?? 0, archived, complete: !stopped.signal.aborted };
    } finally {
      bar.end();
      await log.close();
    }
  } catch (error) {
    if (!isRepriseError(error)) throw error;
    const code = error.kind === "unavailable" ? exit.unreachable : error.kind === "config" ? exit.usage : exit.failed;
    throw new Failure(code, `The log could not be read (${error.code}).\n${error.message}\n${error.remedy}`, { code: error.code, message: error.message });
  } finally {
    stopped.forget();
  }
}

/** On a terminal only. The share is that of positions: what it costs to count first would double the work. */
export function makeBar(terminal: Terminal, title: string): { draw(share: number, events: number): void; end(): void } {
  let drawn = false;
  return {
    draw(share, events) {
      if (!terminal.interactive) return;
      const part = Math.min(1, share);
      terminal.err(`\r${title} [${"#".repeat(Math.round(part * barWidth)).padEnd(barWidth, ".")}] ${Math.floor(part * 100)} % ${events} events\u001b[K`);
      drawn = true;
    },
    end() {
      if (drawn) terminal.err("\r\u001b[K");
      drawn = false;
    },
  };
}
