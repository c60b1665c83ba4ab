/** Cuts out of messages what may be a piece of a payload. */

const cut = "…";

/** What V8 and Node write into their messages without quotes: the text up to the value, and what may follow it. */
const bare: readonly RegExp[] = [
  /(Cannot convert )(.+?)( to a BigInt)/s,
  /(The number )(.+?)( cannot be converted to a BigInt)/s,
  /(Invalid regular expression: )(.+)(: [A-Z][\w ,'()-]*$)/s,
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

/** In single, double or backward quotes, or a pattern's. */
const quoted = /(['"`])(?:(?!\1).)*\1|(['"`]).*$/gs;

/**
 * An error's message without the values that the engine has quoted: `Unexpected token 'c', "card 4111"… is not valid JSON`. The names of members that code
 * reads stay, `(reading 'total')`, and so does all that a user wrote himself.
 *
 * @param engines whether the message may be the engine's.
 */
export function withoutQuoted(message: string, engines: boolean): string {
  if (!engines) return message;
  let text = message;
  for (const pattern of bare) text = text.replace(pattern, (_, before: string, _value: string, after: string) => before + cut + after);
  return text.replace(quoted, (found, _quote, _open, at: number) => {
    const name = found.slice(1, -1);
    const isName = /^[A-Za-z_$][\w$]{0,63}$/.test(name) && /\((?:reading|setting) $|property $|argument $/.test(text.slice(Math.max(0, at - 20), at));
    return isName ? found : found[0] + cut + found[0];
  });
}

/** Values of so few characters are words like any other. */
const shortest = 4;
const maxValues = 10_000;

/** A message of a step, a schema or a migration without the texts and numbers of the payload that it was made from. */
export function withoutValues(message: string, data: unknown): string {
  const values = new Set<string>();
  collect(data, values, 0);
  // The longest first: a value may be a part of another one.
  const found = [...values].filter((value) => message.includes(value)).sort((a, b) => b.length - a.length);
  return found.reduce((text, value) => text.replaceAll(value, cut), message);
}

function collect(value: unknown, values: Set<string>, depth: number): void {
  if (values.size >= maxValues || depth > 128) return;
  if (typeof value === "string" || typeof value === "number") {
    const text = String(value);
    if (text.length >= shortest) values.add(text);
  } else if (typeof value === "object" && value !== null) for (const member of Object.values(value)) collect(member, values, depth + 1);
}
