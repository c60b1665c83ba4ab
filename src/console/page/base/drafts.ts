/**
 * What somebody typed or chose and did not send yet. It outlives a look at another view, the way back, a restart of the service and a reload of the page; it
 * ends with its act, with logging out, and with the browser's tab.
 */
import { useState } from "preact/hooks";

const shelf = "reprise-drafts";
/** More is not kept over a reload: a browser gives a page 5 MB. */
const maxCharacters = 1_000_000;
const maxDrafts = 200;

const drafts = new Map<string, unknown>(readShelf());
window.addEventListener("pagehide", writeShelf);
document.addEventListener("visibilitychange", writeShelf);

export function useDraft<T>(name: string, initial: T): readonly [value: T, change: (value: T) => void] {
  const [value, setValue] = useState<T>(() => (drafts.has(name) ? (drafts.get(name) as T) : initial));
  const change = (next: T): void => {
    drafts.delete(name);
    if (next !== initial) drafts.set(name, next);
    for (const [oldest] of drafts) if (drafts.size > maxDrafts) drafts.delete(oldest);
    setValue(next);
  };
  return [value, change];
}

/** Whether something is left of what begins so. */
export function hasDraft(beginning: string): boolean {
  return [...drafts.keys()].some((name) => name.startsWith(beginning));
}

/** It is done. */
export function dropDraft(beginning: string): void {
  for (const name of [...drafts.keys()]) if (name.startsWith(beginning)) drafts.delete(name);
}

/** Somebody else sits down here. */
export function dropDrafts(): void {
  drafts.clear();
  writeShelf();
}

function readShelf(): [string, unknown][] {
  try {
    return JSON.parse(sessionStorage.getItem(shelf) ?? "[]") as [string, unknown][];
  } catch {
    return [];
  }
}

function writeShelf(): void {
  const kept: [string, unknown][] = [];
  let left = maxCharacters;
  for (const draft of [...drafts].reverse()) {
    left -= JSON.stringify(draft).length;
    if (left > 0) kept.unshift(draft);
  }
  try {
    if (kept.length === 0) sessionStorage.removeItem(shelf);
    else sessionStorage.setItem(shelf, JSON.stringify(kept));
  } catch {
    // A browser that keeps nothing for pages: then a reload forgets.
  }
}
