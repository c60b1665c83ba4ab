/** Text of others, times and numbers, wherever they stand in the page. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { shownText, words } from "../base/shown-text.ts";

/** So much of a line is shown at first. */
const maxCharacters = 400;

/** Text that somebody else wrote. Its direction ends where it ends. */
export function Text({ of, max = maxCharacters }: { readonly of: string; readonly max?: number }) {
  const cut = of.length > max;
  return (
    <bdi>
      {shownText(cut ? of.slice(0, max) : of)}
      {cut ? "…" : ""}
    </bdi>
  );
}

/** The same, where all of it can be asked for. */
export function LongText({ of, max = 4096 }: { readonly of: string; readonly max?: number }) {
  const [all, showAll] = useState(false);
  const cut = of.length > max && !all;
  return (
    <>
      <bdi class="long">{shownText(cut ? of.slice(0, max) : of)}</bdi>
      {cut && (
        <button type="button" class="quiet" onClick={() => showAll(true)}>
          Show all {of.length.toLocaleString("en")} characters
        </button>
      )}
    </>
  );
}

const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const short = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const today = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

/** Local time; UTC where the pointer rests. */
export function Time({ at, isShort = false }: { readonly at: string | null; readonly isShort?: boolean }) {
  if (at === null) return <span class="soft">–</span>;
  const date = new Date(at);
  const isToday = date.toDateString() === new Date().toDateString();
  return (
    <time dateTime={at} title={`${at.replace("T", " ").replace("Z", "")} UTC`}>
      {(isToday ? today : isShort ? short : local).format(date)}
    </time>
  );
}

/** `2 h 5 min` */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

const moods: Readonly<Record<string, string>> = {
  ...{ dead_lettered: "bad", blocked: "bad", stopped: "bad", open: "bad", failed: "warn", escalated: "warn", held: "warn", stuck: "bad", isolated: "bad" },
  ...{ backing_off: "warn", paused: "warn", half_open: "warn", running: "good", completed: "good", replayed: "good", flowing: "good", closed: "good" },
  ...{
    succeeded: "good",
    approved: "good",
    resolved: "good",
    rejected: "warn",
    expired: "warn",
    absent: "warn",
    fenced: "warn",
    behind: "warn",
    cancelled: "warn",
  },
};

/** A state: the word says it, the colour only repeats it. */
export function State({ of }: { readonly of: string }) {
  return <span class={`state ${moods[of] ?? "neutral"}`}>{words(of)}</span>;
}

/** Pairs of a name and what it is. */
export function Facts({ of }: { readonly of: readonly (readonly [name: string, value: ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
