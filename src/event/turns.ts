/** Lets other work run during long work: a loop over something that a caller may make large asks here between two pieces. */
import { AsyncLocalStorage } from "node:async_hooks";
import { performance } from "node:perf_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";
import { systemClock } from "./clock.ts";
import { FairLine } from "./fair-line.ts";
import { HeldBack } from "./held-back.ts";

/** The longest time for which the thread is held, apart from the longest piece: a request that is served meanwhile takes some milliseconds itself. */
const heldMs = 8;
/** The same for work beside live work: it delays what others do in a turn of the event loop by about so much. */
export const besideMs = 0.5;
/** The same while several tenants ask: each waits for a piece of each other one. */
const heldAmongSeveralMs = 0.5;
/** A tenant that asked within this time may ask again at any moment. */
const rememberedMs = 1000;
/** So long after another one has asked, a tenant with more than one short request rests longer than it has kept the thread busy. */
const heldBackMs = 250;

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
const heldBack = new HeldBack();
let resting: Rest | null = null;

interface Piece {
  readonly go: () => void;
  /** It is the rest of something. */
  readonly hasBegun: boolean;
}

/** One tenant leaves the thread alone. */
interface Rest {
  readonly owner: string;
  /** What goes on behind it, all at once. */
  readonly begins: (() => void)[];
  /** What takes its turn behind it. */
  readonly pieces: Piece[];
}

const areSeveral = (nowMs: number): boolean => nowMs < severalUntilMs;
const holdsBack = (nowMs: number): boolean => nowMs < severalUntilMs - rememberedMs + heldBackMs;

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
  return line.waitingOf(owner) + (resting?.owner === owner ? resting.pieces.length : 0);
}

/** Goes on with one of a tenant's requests that waited: at once, but not while that tenant leaves the thread alone. */
export function goOn(owner: string, go: () => void): void {
  const restMs = resting?.owner === owner ? 0 : restDue(owner);
  if (restMs > 0) rest(owner, restMs);
  if (resting?.owner === owner) resting.begins.push(go);
  else go();
}

function inLine(owner: string, hasBegun: boolean): Promise<void> {
  return new Promise((resolve) => {
    const piece = { go: resolve, hasBegun };
    if (resting?.owner === owner) return resting.pieces.push(piece);
    line.push(owner, piece, hasBegun);
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
  if (!wasPutOff) {
    holdBack();
    for (const { go } of nextPieces()) go();
  }
  if (line.size + rests.length > 0) scheduleRound();
}

/**
 * Puts aside what waits, when it is all one tenant's and that one is to rest. Where several tenants' work waits nobody rests: the thread would do nothing for
 * any of them. A short request by itself goes on, too.
 */
function holdBack(): void {
  const owner = rests.length > 0 ? undefined : line.onlyOwner("");
  if (owner === undefined) return;
  const restMs = restDue(owner);
  if (restMs === 0 || (line.size === 1 && !line.first()!.hasBegun)) return;
  const { pieces } = rest(owner, restMs);
  while (line.size > 0) pieces.push(line.shift()!);
}

/** Whose the work until now was counts for the next one, too. @returns 0: the tenant goes on, or another one rests. */
function restDue(owner: string): number {
  const nowMs = performance.now();
  if (!holdsBack(nowMs)) return 0;
  const restMs = heldBack.worked(owner, nowMs, performance.nodeTiming.idleTime);
  return resting === null ? restMs : 0;
}

function rest(owner: string, restMs: number): Rest {
  systemClock.after(restMs, endRest);
  return (resting = { owner, begins: [], pieces: [] });
}

function endRest(): void {
  const { owner, begins, pieces } = resting!;
  resting = null;
  for (const piece of pieces) line.push(owner, piece, piece.hasBegun);
  if (pieces.length > 0) scheduleRound();
  for (const go of begins) go();
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
