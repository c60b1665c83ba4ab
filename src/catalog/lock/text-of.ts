/** Texts that fit a regular expression, the same ones each time. Covers what schemas of payloads use; what it does not know gives no text, not a wrong one. */

export interface TextChoice {
  /** Which alternative, and which characters of a class: another number, another text. */
  readonly pick: number;
  /** How often what may repeat does. */
  readonly size: "smallest" | "usual" | "largest";
}

/** Writes its share of the text. */
type Piece = (choice: TextChoice, counter: { at: number }) => string;

/** @returns undefined when no text that fits was found. */
export function textOf(pattern: string, choice: TextChoice): string | undefined {
  let piece: Piece;
  let rule: RegExp;
  try {
    piece = parsePattern(pattern);
    rule = new RegExp(pattern);
  } catch {
    return undefined;
  }
  // Look-aheads and the like are not read, only obeyed: another pick may.
  for (let more = 0; more < 12; more++) {
    const text = piece({ ...choice, pick: choice.pick + more }, { at: 0 });
    if (rule.test(text)) return text;
  }
  return undefined;
}

const unsupported = (what: string): Error => new Error(`textOf does not know ${what}`);
const codes = (from: string, to: string): number[] => Array.from({ length: to.codePointAt(0)! - from.codePointAt(0)! + 1 }, (_, n) => from.codePointAt(0)! + n);
const digits = codes("0", "9");
const words = [...codes("a", "z"), ...codes("A", "Z"), ...digits, "_".codePointAt(0)!];
const blanks = [32];
const printable = codes(" ", "~");
const without = (set: readonly number[]): number[] => [...codes("a", "z"), ...printable].filter((code) => !set.includes(code));
const classes: Readonly<Record<string, readonly number[]>> = { d: digits, w: words, s: blanks, D: without(digits), W: without(words), S: without(blanks) };
const controls: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", f: "\f", v: "\v", "0": "\0" };
/** A range of letters of all scripts is not spelt out. */
const maxClass = 512;
/** Above its least number. */
const maxRepeats = 6;

function parsePattern(source: string): Piece {
  let at = 0;
  const peek = (text: string): boolean => source.startsWith(text, at);
  const take = (text: string): boolean => {
    if (!peek(text)) return false;
    at += text.length;
    return true;
  };

  const alternatives = (): Piece => {
    const options: Piece[] = [sequence()];
    while (take("|")) options.push(sequence());
    return (choice, counter) => options[choice.pick % options.length]!(choice, counter);
  };

  const sequence = (): Piece => {
    const pieces: Piece[] = [];
    while (at < source.length && !peek("|") && !peek(")")) pieces.push(repeated(atom()));
    return (choice, counter) => pieces.map((piece) => piece(choice, counter)).join("");
  };

  const atom = (): Piece => {
    if (take("^") || take("$") || take("\\b") || take("\\B")) return () => "";
    if (take("(")) {
      const looks = ["?=", "?!", "?<=", "?<!"].some(take);
      if (!looks && !take("?:") && take("?<")) at = source.indexOf(">", at) + 1;
      const inner = alternatives();
      if (!take(")")) throw unsupported("an open group");
      return looks ? () => "" : inner;
    }
    if (take("[")) return oneOf(characterClass());
    if (take(".")) return oneOf(codes("a", "z"));
    return oneOf(character());
  };

  /** One character, or the class that an escape stands for. */
  const character = (): readonly number[] => {
    if (!take("\\")) {
      const code = source.codePointAt(at)!;
      at += String.fromCodePoint(code).length;
      return [code];
    }
    const sign = source[at++] ?? "";
    if (classes[sign] !== undefined) return classes[sign];
    if (controls[sign] !== undefined) return [controls[sign].codePointAt(0)!];
    if (sign === "x" || (sign === "u" && !peek("{"))) {
      const digitsOf = source.slice(at, (at += sign === "x" ? 2 : 4));
      return [Number.parseInt(digitsOf, 16)];
    }
    if (/[A-Za-z1-9]/.test(sign)) throw unsupported(`\\${sign}`);
    return [sign.codePointAt(0)!];
  };

  const characterClass = (): readonly number[] => {
    const negated = take("^");
    const set: number[] = [];
    while (!take("]")) {
      if (at >= source.length) throw unsupported("an open class");
      const low = take("\\b") ? [8] : character();
      if (low.length === 1 && peek("-") && source[at + 1] !== "]") {
        at++;
        const high = character()[0]!;
        if (high - low[0]! < maxClass) set.push(...codes(String.fromCodePoint(low[0]!), String.fromCodePoint(high)));
        else set.push(low[0]!);
      } else set.push(...low);
    }
    const members = negated ? without(set) : set;
    if (members.length === 0) throw unsupported("an empty class");
    return members;
  };

  const repeated = (piece: Piece): Piece => {
    const [min, max] = quantity();
    take("?");
    if (min === 1 && max === 1) return piece;
    return (choice, counter) => {
      const most = Math.min(max, min + maxRepeats);
      const count = { smallest: min, usual: Math.min(max, Math.max(min, 1) + (min < 2 && max > 1 ? 1 : 0)), largest: most }[choice.size];
      return Array.from({ length: count }, () => piece(choice, counter)).join("");
    };
  };

  const quantity = (): readonly [number, number] => {
    if (take("*")) return [0, Number.POSITIVE_INFINITY];
    if (take("+")) return [1, Number.POSITIVE_INFINITY];
    if (take("?")) return [0, 1];
    const counted = /^\{(\d+)(,?)(\d*)\}/.exec(source.slice(at, at + 24));
    if (counted === null) return [1, 1];
    at += counted[0].length;
    const min = Number(counted[1]);
    if (counted[2] === "") return [min, min];
    return [min, counted[3] === "" ? Number.POSITIVE_INFINITY : Number(counted[3])];
  };

  const whole = alternatives();
  if (at < source.length) throw unsupported(`what begins at ${at}`);
  return whole;
}

/** Walks through the class from text to text and from place to place, so that two digits are not the same one twice. */
function oneOf(set: readonly number[]): Piece {
  return ({ pick }, counter) => String.fromCodePoint(set[set.length === 1 ? 0 : (pick * 5 + counter.at++ * 3 + 1) % set.length]!);
}
