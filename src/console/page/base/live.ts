/** What a view shows, kept fresh: the view that is open asks again, never more often than once in two seconds for the whole page. */
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { connection, loggedOut, Problem } from "./api.ts";
import { follow, isFollowing, latestHintMs } from "./hints.ts";
import { findSession } from "./session.ts";

const everyMs = 2000;
/** While the service tells that something happened, other changes (a pause, a rate) are looked for this seldom. */
const quietMs = 10_000;
/** What happened stands in the service's views a moment later. */
const viewsMs = 1500;

interface Source {
  askedMs: number;
  /** It is asked for at every turn: something that runs is looked at. */
  isEager: boolean;
  readonly ask: () => Promise<void>;
}

const sources = new Set<Source>();
let asking = false;

/** One question at a time: of all that may have changed, what was asked for longest ago. A page that nobody looks at asks nothing. */
async function tick(): Promise<void> {
  follow();
  if (document.hidden || asking || loggedOut.value) return;
  const [oldest] = [...sources].filter(isDue).sort((a, b) => a.askedMs - b.askedMs);
  if (oldest === undefined) return;
  asking = true;
  try {
    // After a restart it may be another build, and its sessions are gone.
    if (connection.value !== null) await findSession();
    if (!loggedOut.value) await oldest.ask();
  } finally {
    asking = false;
  }
}

function isDue({ askedMs, isEager }: Source): boolean {
  const ageMs = Date.now() - askedMs;
  if (ageMs < everyMs * 0.9) return false;
  return isEager || !isFollowing() || connection.value !== null || ageMs >= quietMs || askedMs < latestHintMs() + viewsMs;
}

setInterval(() => void tick(), everyMs);
document.addEventListener("visibilitychange", () => void tick());

export interface Live<T> {
  /** Null until the first answer. It stays while later questions fail. */
  readonly data: Signal<T | null>;
  readonly problem: Signal<Problem | null>;
  readonly refresh: () => Promise<void>;
}

/** @param key what is asked for; another key begins anew. @param isEager of what was found: whether it changes without anybody telling. */
export function useLive<T>(key: string, load: () => Promise<T>, isEager: (found: T) => boolean = () => false): Live<T> {
  const data = useSignal<T | null>(null);
  const problem = useSignal<Problem | null>(null);
  const latest = useRef(load);
  latest.current = load;
  const refresh = useRef<() => Promise<void>>(async () => {});
  useEffect(() => {
    let over = false;
    const source: Source = {
      ...{ askedMs: 0, isEager: false },
      async ask() {
        source.askedMs = Date.now();
        try {
          const found = await latest.current();
          if (over) return;
          data.value = found;
          source.isEager = isEager(found);
          problem.value = null;
        } catch (error) {
          if (over) return;
          if (!(error instanceof Problem)) throw error;
          // That nobody answers is told once for the whole page.
          if (error.status !== 0) problem.value = error;
        }
      },
    };
    refresh.current = source.ask;
    sources.add(source);
    data.value = null;
    problem.value = null;
    void source.ask();
    // Whoever has just logged in is not left waiting.
    const stop = loggedOut.subscribe((isOut) => void (isOut || source.askedMs === 0 || problem.peek()?.status !== 401 || source.ask()));
    return () => {
      over = true;
      stop();
      sources.delete(source);
    };
  }, [key]);
  return { data, problem, refresh: () => refresh.current() };
}
