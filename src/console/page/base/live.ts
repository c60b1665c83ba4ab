/** What a view shows, kept fresh: the view that is open asks again, never more often than once in two seconds for the whole page. */
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { connection, loggedOut, Problem } from "./api.ts";
import { follow, isFollowing, latestHintMs } from "./hints.ts";
import { findSession } from "./session.ts";

const everyMs = 2000;
/** While the service tells that something happened, other changes (a pause, a rate) are looked for this seldom. */
const quietMs = 10_000;
/** What takes long to answer is asked for seldom: it rests for so many times as long. */
const restTimes = 10;
/** What happened stands in the service's views a moment later. */
const viewsMs = 1500;

interface Source {
  askedMs: number;
  /** How long its last answer took; null while it is asked for. */
  tookMs: number | null;
  /** It is asked for at every turn: something that runs is looked at. */
  isEager: boolean;
  /** What happens to events says nothing about it. */
  readonly isCalm: boolean;
  readonly ask: () => Promise<void>;
}

const sources = new Set<Source>();
let isReturning = false;

/** One question at a turn: of all that may have changed, what was asked for longest ago. A page that nobody looks at asks nothing. */
async function tick(): Promise<void> {
  follow();
  if (document.hidden || isReturning || loggedOut.value) return;
  // After a restart it may be another build, and its sessions are gone. A view that asks for nothing comes back by this, too.
  if (connection.value !== null) {
    isReturning = true;
    await findSession().finally(() => (isReturning = false));
  }
  const [oldest] = [...sources].filter(isDue).sort((a, b) => a.askedMs - b.askedMs);
  if (oldest !== undefined && !loggedOut.value) await oldest.ask();
}

function isDue({ askedMs, tookMs, isEager, isCalm }: Source): boolean {
  const ageMs = Date.now() - askedMs;
  if (tookMs === null || ageMs < Math.max(everyMs * 0.9, tookMs * restTimes)) return false;
  if (isEager || connection.value !== null || ageMs >= quietMs) return true;
  return !isCalm && (!isFollowing() || askedMs < latestHintMs() + viewsMs);
}

setInterval(() => void tick(), everyMs);
document.addEventListener("visibilitychange", () => void tick());

export interface Live<T> {
  /** Null until the first answer. It stays while later questions fail. */
  readonly data: Signal<T | null>;
  readonly problem: Signal<Problem | null>;
  readonly refresh: () => Promise<void>;
}

export interface LiveOptions<T> {
  /** Of what was found: whether it changes without anybody telling. */
  readonly isEager?: (found: T) => boolean;
  readonly isCalm?: boolean;
}

/** @param key what is asked for; another key begins anew. */
export function useLive<T>(key: string, load: () => Promise<T>, { isEager = () => false, isCalm = false }: LiveOptions<T> = {}): Live<T> {
  const data = useSignal<T | null>(null);
  const problem = useSignal<Problem | null>(null);
  const latest = useRef(load);
  latest.current = load;
  const refresh = useRef<() => Promise<void>>(async () => {});
  useEffect(() => {
    let over = false;
    const source: Source = {
      ...{ askedMs: 0, tookMs: 0, isEager: false, isCalm },
      async ask() {
        const beganMs = (source.askedMs = Date.now());
        source.tookMs = null;
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
        } finally {
          // Of nobody's answer nothing is learned.
          source.tookMs = connection.value === null ? Date.now() - beganMs : 0;
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
