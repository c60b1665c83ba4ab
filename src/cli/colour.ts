/**
 * Colours: of our own words only. What is to be coloured is marked with a text that nobody can know beforehand, and becomes a colour, or nothing, in the
 * one place through which all output goes; whatever else looks like a colour is made visible there.
 */
import { randomUUID } from "node:crypto";
import { styleText } from "node:util";

const token = randomUUID();
const colours = { r: "red", y: "yellow", g: "green" } as const;
const marked = new RegExp(`${token}([ryg])(.*?)${token}\\.`, "g");

const words: Readonly<Record<keyof typeof colours, readonly string[]>> = {
  r: ["wrong", "failed", "dead_lettered", "stopped", "blocked", "stuck", "fenced", "absent", "escalated", "open", "isolated", "revoked", "expired"],
  y: ["warning", "paused", "pausing", "cancelling", "cancelled", "backing_off", "held", "behind", "skipped", "discarded", "standby", "rotating"],
  g: ["ok", "running", "completed", "succeeded", "replayed", "flowing", "in force"],
};
const ofWord = new Map(Object.entries(words).flatMap(([colour, list]) => list.map((word) => [word, colour as keyof typeof colours] as const)));

/** The headings and names below and beside which status words stand, and no text of a sender. */
export const statusNames: ReadonlySet<string> = new Set(["STATUS", "STATE", "OUTCOME", "LANE", "status", "state"]);

/** A status word in its colour; another text as it is. */
export function statusWord(word: string): string {
  const colour = ofWord.get(word);
  return colour === undefined ? word : `${token}${colour}${word}${token}.`;
}

/** The first line of a problem. */
export function errorTitle(title: string): string {
  return `${token}r${title}${token}.`;
}

/** Marks become colours, or vanish. */
export function painted(text: string, inColour: boolean): string {
  if (!text.includes(token)) return text;
  return text.replace(marked, (_, colour: keyof typeof colours, word: string) =>
    inColour ? styleText(colours[colour], word, { validateStream: false }) : word,
  );
}

/** On a terminal, unless NO_COLOR or a terminal without colours forbids it; elsewhere only when FORCE_COLOR asks for it. */
export function wantsColour(env: Readonly<Record<string, string | undefined>>, onTerminal: boolean): boolean {
  const { NO_COLOR: never, FORCE_COLOR: forced, TERM: kind } = env;
  if (never !== undefined && never !== "") return false;
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  return onTerminal && kind !== "dumb";
}
