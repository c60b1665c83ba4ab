/** The secrets of a webhook, cut out of all that comes back from its receiver and of all that is told of its address. */
import { createHash } from "node:crypto";
import { anyCaseOf } from "../../event/without-payload.ts";

const cutSecret = "[secret]";
/** Shorter secrets would also be cut out of ordinary words. */
const shortest = 4;
/** Shorter segments of a path, such as `Order` and `hook1`, may stand in an answer for other reasons. */
const shortestPathKey = 8;
/** Headers that every client sends, and whose values stand in many answers. */
const harmless: ReadonlySet<string> = new Set(["accept", "accept-encoding", "accept-language", "cache-control", "from", "origin", "referer", "user-agent"]);
/**
 * A segment of a path that reads like a word of a route: `hooks`, `order-placed`, `v2`. Any other segment may be a key, because some services take it in the
 * path.
 */
const routeWord = /^(?:[a-z]{0,16}(?:[-_.][a-z]{1,16}){0,3}|v?\d{1,3})$/;

/** The members of a webhook's definition that may hold secrets. */
interface SecretHolder {
  readonly url: string;
  readonly secret?: string | readonly string[] | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** @returns cuts the handler's secrets out of a text, also where they stand in base64, base64url, hex, percent-encoded or as JSON writes them. */
export function makeCutSecrets({ url, secret = [], headers = {} }: SecretHolder): (text: string) => string {
  const plain = new Set<string>();
  const add = (text: string): void => void (text.length >= shortest && plain.add(text));
  for (const [name, value] of Object.entries(headers)) {
    if (harmless.has(name.toLowerCase())) continue;
    add(value);
    const [scheme, ...rest] = value.split(" ");
    if (rest.length > 0) add(rest.join(" "));
    if (scheme?.toLowerCase() === "basic") for (const part of [decodedBase64(rest.join(" ")), decodedBase64(rest.join(" ")).replace(/^[^:]*:/, "")]) add(part);
  }
  for (const each of [secret].flat()) {
    add(each);
    add(each.replace(/^whsec_/, ""));
  }
  const { username, password, search, searchParams, pathname } = new URL(url);
  const [user, word] = [decoded(username), decoded(password)];
  for (const each of [...(word === "" ? [username, user] : [password, word, `${user}:${word}`]), search.slice(1), ...searchParams.values()]) add(each);
  for (const segment of pathname.split("/"))
    if (!routeWord.test(segment) && segment.length >= shortestPathKey) for (const each of [segment, decoded(segment)]) add(each);

  const forms = [...new Set([...plain].flatMap(formsOf))].sort((a, b) => b.length - a.length);
  // In small and capital letters: some servers show headers in capitals.
  const pattern = forms.length === 0 ? null : anyCaseOf(forms);
  return (text) => {
    let cut = pattern === null ? text : text.replace(pattern, cutSecret);
    // The kept part of an answer may end within a secret.
    for (const each of plain)
      for (let length = each.length - 1; length >= shortest; length--)
        if (cut.endsWith(each.slice(0, length))) {
          cut = cut.slice(0, cut.length - length) + cutSecret;
          break;
        }
    return cut;
  };
}

/**
 * A webhook's address as it may be stored and shown: without user, password and query, keys in its path cut. Where something was cut, a few digits of its
 * hash tell one address from another.
 */
export function shownUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null) return cutSecret;
  const path = url.pathname
    .split("/")
    .map((segment) => (routeWord.test(segment) ? segment : "…"))
    .join("/");
  const names = [...new Set(url.searchParams.keys())].map((name) => `${name}=…`).join("&");
  const shown = `${url.origin}${path}${names === "" ? "" : `?${names}`}`;
  if (url.username === "" && url.password === "" && url.search === "" && path === url.pathname) return text;
  return `${shown}#${createHash("sha256").update(text).digest("hex").slice(0, 8)}`;
}

function formsOf(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  const percent = encodeURIComponent(text);
  const base64 = bytes.toString("base64").replace(/=+$/, "");
  const forms = [
    text,
    percent,
    percent.toLowerCase(),
    JSON.stringify(text).slice(1, -1),
    text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;"),
    base64,
    bytes.toString("base64url"),
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
  ];
  // Within a longer text base64 writes the same bytes in three ways; the first and last characters depend on the neighbours.
  for (const before of [1, 2]) {
    const inner = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .replace(/=+$/, "")
      .slice(before + 1, -1);
    forms.push(inner, inner.replaceAll("+", "-").replaceAll("/", "_"));
  }
  forms.push(base64.slice(0, -1), base64.slice(0, -1).replaceAll("+", "-").replaceAll("/", "_"));
  return forms.filter((form) => form.length >= shortest);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function decodedBase64(text: string): string {
  return Buffer.from(text, "base64").toString("utf8");
}

/** The bytes of a Standard Webhooks secret, `whsec_` and padded base64; undefined for a text that is none, or that has no byte. */
export function secretBytes(text: string): Buffer | undefined {
  const encoded = /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=))$/.exec(text)?.[1];
  return encoded === undefined ? undefined : Buffer.from(encoded, "base64");
}
