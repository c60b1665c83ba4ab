/** Cuts out of messages what may be a piece of a payload. */

const cut = "…";

/** Messages in which V8 and Node write a value without quotes: the text before the value, and the text that may follow it. */
const bare: readonly RegExp[] = [
  /(Class extends value )(.+?)( is not a constructor)/s,
  /(Cannot (?:add|define|redefine|delete) property )(.+?)(, object is not extensible|: |$)/s,
  /(Invalid (?:time zone specified|language tag|currency code|count value|unit argument)\b[^:]*:? ?)(.+)()$/s,
  /(Invalid code point )(.+)()$/s,
  /(Incorrect locale information provided.*?: ?)(.+)()$/s,
  /(Value )(.+?)( out of range for )/s,
  /(Iterator value )(.+)( is not an entry object)/s,
  /(Object prototype may only be an Object or null: )(.+)()$/s,
  /(called on incompatible receiver )(.+)()$/s,
  /(Failed to parse URL from )(.+)()$/s,
  /(operator to search for .*? in )(.+)()$/s,
  /^((?:number|string|boolean|bigint|symbol) )(.+?)( is not (?:iterable|a function|a constructor|an object))/s,
  /(\bReceived )((?!undefined$|null$|an instance of [\w$]+$).+)()$/s,
  /((?:ENOTFOUND|EAI_AGAIN) )(.+)()$/s,
];

/** Messages that only V8 writes, so that they are recognised inside another error's words, too: `throw new Error(`no order: ${error.message}`)`. */
const unmistakable: readonly RegExp[] = [
  /(Unexpected token )(.+)( is not valid JSON)/s,
  /(^|: )("[^"]*.*")( is not valid JSON)/s,
  /(Cannot convert )(.+?)( to a BigInt)/s,
  /(The number )(.+?)( cannot be converted to a BigInt)/s,
  /(Invalid regular expression: )(.+)(: [A-Z][\w ,'()-]*$)/s,
];

/** In single, double or backward quotes, or a pattern's. */
const quoted = /(['"`])(?:(?!\1).)*\1|(['"`]).*$/gs;

/**
 * An error's message without the values that the engine has quoted: `Unexpected token 'c', "card 4111"… is not valid JSON`. The names of members that code
 * reads stay, `(reading 'total')`, and so does all that a user wrote himself.
 *
 * @param engines whether the message may be the engine's.
 */
export function withoutQuoted(message: string, engines: boolean): string {
  let text = message;
  for (const pattern of unmistakable) text = text.replace(pattern, (_, before: string, _value: string, after: string) => before + cut + after);
  if (!engines) return text;
  for (const pattern of bare) text = text.replace(pattern, (_, before: string, _value: string, after: string) => before + cut + after);
  return text.replace(quoted, (found, _quote, _open, at: number) => {
    const name = found.slice(1, -1);
    const isName = /^[A-Za-z_$][\w$]{0,63}$/.test(name) && /\((?:reading|setting) $|property $|argument $/.test(text.slice(Math.max(0, at - 20), at));
    return isName ? found : found[0] + cut + found[0];
  });
}

/** A value of so few characters could be any word, and stays. */
const shortest = 4;
const maxValues = 10_000;

/** A run of so many characters with a digit among them is a piece of a value, not a word. */
const pieces = /[\p{L}\p{N}_][\p{L}\p{N}_-]{4,}[\p{L}\p{N}_]/gu;

/**
 * A message without the texts and numbers of the payload that it was made from, whatever their case; also as JSON writes them, and without pieces of them
 * that look like no word. Call it before anything else is cut, because half of a value cannot be found any more.
 */
export function withoutValues(message: string, ...payload: readonly unknown[]): string {
  const values = new Set<string>();
  for (const data of payload) collect(data, values, 0);
  const lower = message.toLowerCase();
  // The longest value goes first, because one value may be a part of another.
  const found = [...values].filter((value) => lower.includes(value)).sort((a, b) => b.length - a.length);
  const text = found.reduce((left, value) => left.replace(anyCaseOf([value]), cut), message);
  return text.replace(pieces, (piece) => {
    const lowerPiece = piece.toLowerCase();
    return /\p{N}/u.test(piece) && [...values].some((value) => value.includes(lowerPiece)) ? cut : piece;
  });
}

/** Any of the texts as it stands, whatever the case of its letters. */
export function anyCaseOf(texts: readonly string[]): RegExp {
  return new RegExp(texts.map((text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")).join("|"), "giu");
}

/** In lower case. */
function collect(value: unknown, values: Set<string>, depth: number): void {
  if (values.size >= maxValues || depth > 128) return;
  if (typeof value === "string" || typeof value === "number") {
    const text = String(value).toLowerCase();
    if (text.length < shortest) return;
    values.add(text);
    const written = JSON.stringify(text).slice(1, -1);
    if (written !== text) values.add(written);
  } else if (typeof value === "object" && value !== null) for (const member of Object.values(value)) collect(member, values, depth + 1);
}
