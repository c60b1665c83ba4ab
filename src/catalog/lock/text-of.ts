/** Makes texts that fit a regular expression, the same ones each time. For an expression that it does not know it gives no text, never a wrong one. */

export interface TextChoice {
  /** Chooses the alternative and the characters of a class: another number gives another text. */
  readonly pick: number;
  /** How often a part repeats that may repeat. */
  readonly size: "smallest" | "usual" | "largest";
}

/** Writes its share of the text. */
type Piece = (choice: TextChoice, counter: { at: number }) => string;

/** @returns undefined when no text that fits was found. */
export function textOf(pattern: string, choice: TextChoice): string | undefined {
  let piece: Piece;
  let rule: RegExp;
  try {
    piece = new PatternReader(pattern).whole();
    rule = new RegExp(pattern);
  } catch {
    return undefined;
  }
  // Look-aheads and the like are not used to make the text. The text is tested against them, and another pick may fit.
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
/** The most repeats above the least number. */
const maxRepeats = 6;

/** Reads a regular expression from left to right. */
class PatternReader {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  whole(): Piece {
    const whole = this.#alternatives();
    if (this.#at < this.#source.length) throw unsupported(`what begins at ${this.#at}`);
    return whole;
  }

  #peek(text: string): boolean {
    return this.#source.startsWith(text, this.#at);
  }

  #take(text: string): boolean {
    if (!this.#peek(text)) return false;
    this.#at += text.length;
    return true;
  }

  #alternatives(): Piece {
    const options: Piece[] = [this.#sequence()];
    while (this.#take("|")) options.push(this.#sequence());
    return (choice, counter) => options[choice.pick % options.length]!(choice, counter);
  }

  #sequence(): Piece {
    const pieces: Piece[] = [];
    while (this.#at < this.#source.length && !this.#peek("|") && !this.#peek(")")) pieces.push(this.#repeated(this.#atom()));
    return (choice, counter) => pieces.map((piece) => piece(choice, counter)).join("");
  }

  #atom(): Piece {
    if (this.#take("^") || this.#take("$") || this.#take("\\b") || this.#take("\\B")) return () => "";
    if (this.#take("(")) {
      const looks = ["?=", "?!", "?<=", "?<!"].some((look) => this.#take(look));
      if (!looks && !this.#take("?:") && this.#take("?<")) this.#at = this.#source.indexOf(">", this.#at) + 1;
      const inner = this.#alternatives();
      if (!this.#take(")")) throw unsupported("an open group");
      return looks ? () => "" : inner;
    }
    if (this.#take("[")) return oneOf(this.#characterClass());
    if (this.#take(".")) return oneOf(codes("a", "z"));
    return oneOf(this.#character());
  }

  /** One character, or the class that an escape stands for. */
  #character(): readonly number[] {
    if (!this.#take("\\")) {
      const code = this.#source.codePointAt(this.#at)!;
      this.#at += String.fromCodePoint(code).length;
      return [code];
    }
    const sign = this.#source[this.#at++] ?? "";
    if (classes[sign] !== undefined) return classes[sign];
    if (controls[sign] !== undefined) return [controls[sign].codePointAt(0)!];
    if (sign === "x" || (sign === "u" && !this.#peek("{"))) {
      const digitsOf = this.#source.slice(this.#at, (this.#at += sign === "x" ? 2 : 4));
      return [Number.parseInt(digitsOf, 16)];
    }
    if (/[A-Za-z1-9]/.test(sign)) throw unsupported(`\\${sign}`);
    return [sign.codePointAt(0)!];
  }

  #characterClass(): readonly number[] {
    const negated = this.#take("^");
    const set: number[] = [];
    while (!this.#take("]")) {
      if (this.#at >= this.#source.length) throw unsupported("an open class");
      const low = this.#take("\\b") ? [8] : this.#character();
      if (low.length === 1 && this.#peek("-") && this.#source[this.#at + 1] !== "]") {
        this.#at++;
        const high = this.#character()[0]!;
        if (high - low[0]! < maxClass) set.push(...codes(String.fromCodePoint(low[0]!), String.fromCodePoint(high)));
        else set.push(low[0]!);
      } else set.push(...low);
    }
    const members = negated ? without(set) : set;
    if (members.length === 0) throw unsupported("an empty class");
    return members;
  }

  #repeated(piece: Piece): Piece {
    const [min, max] = this.#quantity();
    this.#take("?");
    if (min === 1 && max === 1) return piece;
    return (choice, counter) => {
      const most = Math.min(max, min + maxRepeats);
      const count = { smallest: min, usual: Math.min(max, Math.max(min, 1) + (min < 2 && max > 1 ? 1 : 0)), largest: most }[choice.size];
      return Array.from({ length: count }, () => piece(choice, counter)).join("");
    };
  }

  #quantity(): readonly [number, number] {
    if (this.#take("*")) return [0, Number.POSITIVE_INFINITY];
    if (this.#take("+")) return [1, Number.POSITIVE_INFINITY];
    if (this.#take("?")) return [0, 1];
    const counted = /^\{(\d+)(,?)(\d*)\}/.exec(this.#source.slice(this.#at, this.#at + 24));
    if (counted === null) return [1, 1];
    this.#at += counted[0].length;
    const min = Number(counted[1]);
    if (counted[2] === "") return [min, min];
    return [min, counted[3] === "" ? Number.POSITIVE_INFINITY : Number(counted[3])];
  }
}

/** Walks through the class from text to text and from place to place, so that two digits are not the same one twice. */
function oneOf(set: readonly number[]): Piece {
  return ({ pick }, counter) => String.fromCodePoint(set[set.length === 1 ? 0 : (pick * 5 + counter.at++ * 3 + 1) % set.length]!);
}
