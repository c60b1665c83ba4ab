/** Which kind of answer a request prefers (RFC 9110, 12.5.1). */

interface Range {
  readonly type: string;
  readonly subtype: string;
  readonly quality: number;
  /** Place in the header: of kinds that are wanted alike, the one that is named first. */
  readonly place: number;
}

/**
 * @param accept the request's header.
 * @param kinds media types, the default first: it is the answer to a request that says nothing, takes anything, or takes none of them.
 */
export function preferredKind(accept: string | undefined, kinds: readonly string[]): string {
  const ranges = (accept ?? "")
    .replace(/"[^"]*"/g, "")
    .toLowerCase()
    .split(",")
    .flatMap(rangeOf);
  let best: { readonly kind: string; readonly range: Range } | null = null;
  for (const kind of kinds) {
    const range = mostSpecific(ranges, kind);
    if (range !== null && range.quality > 0 && (best === null || compare(range, best.range) > 0)) best = { kind, range };
  }
  return best?.kind ?? kinds[0]!;
}

/** The range by which a kind is judged: the most specific one that names it. */
function mostSpecific(ranges: readonly Range[], kind: string): Range | null {
  const [type, subtype] = kind.split("/");
  let found: Range | null = null;
  for (const range of ranges) {
    const matches = (range.type === "*" && range.subtype === "*") || (range.type === type && (range.subtype === "*" || range.subtype === subtype));
    if (matches && (found === null || specificity(range) > specificity(found))) found = range;
  }
  return found;
}

function specificity({ type, subtype }: Range): number {
  return Number(type !== "*") + Number(subtype !== "*");
}

/** Above 0 when `a` is wanted more than `b`. */
function compare(a: Range, b: Range): number {
  return a.quality - b.quality || specificity(a) - specificity(b) || b.place - a.place;
}

/** None for what is no media range, or has a quality that is none. */
function rangeOf(text: string, place: number): readonly Range[] {
  const [, type, subtype, parameters] = /^\s*([^\s/;,]+)\/([^\s/;,]+)\s*(;.*)?$/s.exec(text) ?? [];
  if (type === undefined || subtype === undefined) return [];
  const given = /;\s*q\s*=\s*([^\s;]*)/.exec(parameters ?? "")?.[1];
  const quality = given === undefined ? 1 : /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(given) ? Number(given) : null;
  return quality === null ? [] : [{ type, subtype, quality, place }];
}
