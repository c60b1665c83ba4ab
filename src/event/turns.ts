/** Lets other work run during long work: a loop over something that a caller may make large asks here between two pieces. */
import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";
import { FairLine } from "./fair-line.ts";

/** The longest time for which the thread is held, apart from the longest piece: a request that is served meanwhile takes some milliseconds itself. */
const heldMs = 8;
/** The same for work beside live work: it delays what others do in a turn of the event loop by about so much. */
export const besideMs = 0.5;
/** The same while several tenants ask: each waits for a piece of each other one. */
const heldAmongSeveralMs = 0.5;
/** A tenant that asked within this time may ask again at any moment. */
const rememberedMs = 1000;

export interface Turns {
  /** The thread was held long enough: wait for `next` before the next piece. Costs 0.1 µs. */
  due(): boolean;
  /** Lets the others go first. What was read before may have changed. */
  next(): Promise<void>;
}

/** Whose work it is that runs: a tenant's, as long as it goes on. */
const owners = new AsyncLocalStorage<string>();
/** Work of tenants that waits for its next piece. */
const line = new FairLine<() => void>();
let lastOwner = "";
let severalUntilMs = 0;
let isRoundDue = false;

const areSeveral = (nowMs: number): boolean => nowMs < severalUntilMs;

/** Measures the thread's own time, whatever clock the service has, because it only decides when to let others run. @param mostMs to hold the thread. */
export function makeTurns(mostMs = heldMs): Turns {
  let sinceMs = performance.now();
  return {
    due() {
      const nowMs = performance.now();
      return nowMs - sinceMs >= (areSeveral(nowMs) ? Math.min(mostMs, heldAmongSeveralMs) : mostMs);
    },
    async next() {
      const owner = owners.getStore();
      await (owner === undefined || !areSeveral(performance.now()) ? nextTurn() : inLine(owner, true));
      sinceMs = performance.now();
    },
  };
}

/** Runs a tenant's work. Where it gives way, it goes on in turn with that of other tenants, however much of it there is. */
export function workOf<T>(owner: string, work: () => T): T {
  return owners.run(owner, work);
}

/** The longest time for which work that is nobody's holds the thread: less than it would while several tenants ask. */
export function heldAtMost(ms: number): number {
  return areSeveral(performance.now()) ? Math.min(ms, heldAmongSeveralMs) : ms;
}

/** Whether several tenants have asked lately, so that any of them may ask again at any moment. */
export function severalAsk(): boolean {
  return areSeveral(performance.now());
}

/** Whose work calls this; undefined: nobody's. */
export function workOwner(): string | undefined {
  return owners.getStore();
}

/** A tenant asks for something. While several do, what each asks for begins in turn. @returns null: at once. */
export function beginInTurn(owner: string): Promise<void> | null {
  const nowMs = performance.now();
  if (owner !== lastOwner) {
    if (lastOwner !== "") severalUntilMs = nowMs + rememberedMs;
    lastOwner = owner;
  }
  return areSeveral(nowMs) ? inLine(owner, false) : null;
}

/** How much of a tenant's work waits for its turn. */
export function waitingOf(owner: string): number {
  return line.waitingOf(owner);
}

function inLine(owner: string, hasBegun: boolean): Promise<void> {
  return new Promise((resolve) => {
    line.push(owner, resolve, hasBegun);
    scheduleRound();
  });
}

/** In each turn of the event loop one piece of each tenant; requests that come meanwhile, and what is nobody's, are served between. */
function scheduleRound(): void {
  if (isRoundDue) return;
  isRoundDue = true;
  setImmediate(() => {
    isRoundDue = false;
    for (let left = line.owners; left > 0; left--) line.shift()!();
    if (line.size > 0) scheduleRound();
  });
}
