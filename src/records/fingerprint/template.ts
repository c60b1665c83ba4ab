/**
 * Makes a template of a message: what is different each time it comes is a placeholder. Pure, and linear in the length of its input, whatever stands in it:
 * no expression below can try the same characters twice, and no search for a quote's end is begun again once one has failed.
 */

/** For a number, an id, a time, an address. One placeholder for all of them: of ids in hex one in forty is a plain number. */
const some = "<*>";
const quotedText = "<text>";
/** Characters of a message that are looked at. */
const maxReadChars = 4000;
/** Of a template. What comes later in a message tells two faults apart less often than it holds a list of ids. */
const maxTemplateChars = 300;
/** Shorter ids might be words. */
const shortestId = 3;
const maxIds = 20;

/** Words, numbers, ids, times: what belongs together. Between two digits `:` and `,` do, too: 12:30:01, 1,000. */
const run = /[+-]?[\p{L}\p{N}_$]+(?:[-._@]+[\p{L}\p{N}_$]+|(?<=\p{N})[:,]\p{N}+)*/uy;
const space = /\s+/y;
/** The values in an address, `?order=alice&page=2`. */
const query = /\?[^\s"'`<>()]+/y;

const closers: Readonly<Record<string, string>> = { '"': '"', "'": "'", "`": "`", "“": "”", "‘": "’", "«": "»" };
const isWordCharacter = (character: string | undefined): boolean => character !== undefined && /[\p{L}\p{N}_]/u.test(character);

/** @param ids that are known to be ids, whatever they look like. */
export function templateOf(message: string, ids: readonly string[] = []): string {
  const text = withMarks(message.slice(0, maxReadChars).toWellFormed().replaceAll(mark, " "), ids);
  const template = new Template();
  const quotes = new Quotes(text);
  for (let at = 0; at < text.length && template.length <= maxTemplateChars; ) {
    const character = text[at]!;
    const end = character === mark ? at + 1 : quotes.endOf(at);
    if (end !== null) {
      template.placeholder(character === mark ? some : quotedText);
      at = end;
      continue;
    }
    const part = partAt(text, at);
    if (part.placeholder !== null) template.placeholder(part.placeholder);
    else template.text(part.shown);
    at += part.chars;
  }
  return template.toString();
}

/** Stands in the text where a known id was. */
const mark = "\u0000";

function partAt(text: string, at: number): { readonly chars: number; readonly shown: string; readonly placeholder: string | null } {
  const blank = matchAt(space, text, at);
  if (blank !== null) return { chars: blank.length, shown: " ", placeholder: null };
  const values = at > 0 && isWordCharacter(text[at - 1]) ? matchAt(query, text, at) : null;
  if (values !== null && values.includes("=")) return { chars: values.length, shown: "?", placeholder: quotedText };
  // A sign belongs to its number only where nothing stands before it: `a-1` is one run already, and `(-1)` has a sign.
  const found = matchAt(run, text, at);
  if (found === null) return { chars: 1, shown: text[at]!, placeholder: null };
  const varies = /\p{N}|.@./u.test(found);
  return { chars: found.length, shown: found, placeholder: varies ? some : null };
}

function matchAt(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}

/** Puts a mark in the place of each id that stands by itself. */
function withMarks(text: string, ids: readonly string[]): string {
  let marked = text;
  for (const id of ids.slice(0, maxIds)) {
    if (id.length < shortestId || !marked.includes(id)) continue;
    const pieces = marked.split(id);
    marked = pieces.reduce((before, piece) => before + (isWordCharacter(before.at(-1)) || isWordCharacter(piece[0]) ? id : mark) + piece);
  }
  return marked;
}

/** Finds the ends of quoted texts. */
class Quotes {
  readonly #text: string;
  /** Closing quotes of which the rest of the text has none. */
  readonly #missing = new Set<string>();

  constructor(text: string) {
    this.#text = text;
  }

  /** Behind the text that is quoted from here on; null when none is. One whose end was cut off goes on to the end, but an apostrophe is no quote. */
  endOf(at: number): number | null {
    const text = this.#text;
    const closer = closers[text[at]!];
    if (closer === undefined || isWordCharacter(text[at - 1])) return null;
    if (!this.#missing.has(closer))
      for (let end = text.indexOf(closer, at + 1); end !== -1; end = text.indexOf(closer, end + 1)) {
        const escaped = text[end - 1] === "\\";
        if (!escaped && !(closer === "'" && isWordCharacter(text[end + 1]))) return end + 1;
      }
    this.#missing.add(closer);
    return closer === "'" || closer === "’" ? null : text.length;
  }
}

/** A list of ids is as one id: it has another length each time. */
class Template {
  #text = "";
  #last = "";
  /** Since the last placeholder. */
  #between = "";

  get length(): number {
    return this.#text.length + this.#between.length;
  }

  text(more: string): void {
    this.#between += more;
  }

  placeholder(one: string): void {
    if (one === this.#last && /^[\s,;|/&]{0,4}$/.test(this.#between)) {
      this.#between = "";
      return;
    }
    this.#text += this.#between + one;
    this.#between = "";
    this.#last = one;
  }

  toString(): string {
    return (this.#text + this.#between).slice(0, maxTemplateChars).toWellFormed().trim();
  }
}
