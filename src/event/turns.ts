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
const line = new FairLine<Piece>();
/** Rests that let something new go before them. */
let rests: readonly Piece[] = [];
let lastOwner = "";
let severalUntilMs = 0;
let isRoundDue = false;
let wasPutOff = false;
/** What is to be done before any piece. */
let first = 0;

interface Piece {
  readonly go: () => void;
  /** It is the rest of something. */
  readonly hasBegun: boolean;
}

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
    line.push(owner, { go: resolve, hasBegun }, hasBegun);
    scheduleRound();
  });
}

/** Does something in the next turn of the event loop, before any tenant's piece: a commit, say, which all of them wait for. */
export function doFirst(work: () => void): void {
  first++;
  setImmediate(() => {
    first--;
    work();
  });
}

function scheduleRound(): void {
  if (isRoundDue) return;
  isRoundDue = true;
  setImmediate(round);
}

/**
 * In each turn of the event loop one piece of each tenant; requests that come meanwhile, and what is nobody's, are served between. What begins goes before the
 * rest of others' long work, and is put into the log before it, too: a small append waits for one piece, where it would wait for one at each of its steps.
 */
function round(): void {
  isRoundDue = false;
  wasPutOff = first > 0 && !wasPutOff; // once, because there may be something to do first in every turn
  if (!wasPutOff) for (const { go } of nextPieces()) go();
  if (line.size + rests.length > 0) scheduleRound();
}

function nextPieces(): readonly Piece[] {
  if (rests.length > 0) {
    const all = rests;
    rests = [];
    return all;
  }
  const all = Array.from({ length: line.owners }, () => line.shift()!);
  const begins = all.filter(({ hasBegun }) => !hasBegun);
  if (begins.length === 0) return all;
  rests = all.filter(({ hasBegun }) => hasBegun);
  return begins;
}
