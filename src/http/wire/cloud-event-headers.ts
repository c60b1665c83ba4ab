/**
 * A CloudEvent in binary mode (HTTP binding 1.0.2, 3.1): each attribute is a header, `ce-source`, its value percent-encoded; the data is the body, and
 * `datacontenttype` is the content-type. Every attribute comes as text.
 */
import { z } from "zod";
import { maxPlaces } from "../../catalog/places.ts";
import type { ErrorPlace } from "../../errors.ts";
import { invalid } from "../parse.ts";
import { cloudEventBody, type FromCloudEvent, fromCloudEvent } from "./cloud-event.ts";

const prefix = "ce-";
/** Members of the JSON format that binary mode carries elsewhere. */
const elsewhere: Readonly<Record<string, string>> = { data: "comes as the body", datacontenttype: "comes as the content-type" };

/** The attributes that Reprise knows, as headers. */
export const cloudEventHeaders = z.looseObject(
  Object.fromEntries(
    Object.entries<z.ZodType>(cloudEventBody.shape).flatMap(([name, member]) => (name in elsewhere ? [] : [[prefix + name, member.optional()]])),
  ),
);

interface Sent {
  /** Names and values by turns, as they came. */
  readonly rawHeaders: readonly string[];
  readonly contentType: string | undefined;
  readonly body: unknown;
}

/** @throws REQUEST_INVALID with a place for each fault, `ce-source`. */
export function fromBinaryMode({ rawHeaders, contentType, body }: Sent): FromCloudEvent {
  return fromCloudEvent({ ...attributesOf(rawHeaders), ...(contentType === undefined ? {} : { datacontenttype: contentType }), data: body }, toHeaderPlace);
}

/** `/source` → `ce-source`, `/data/total` → `#/total` */
export function toHeaderPlace(path: string): string {
  const [, name = "data", rest = ""] = /^\/([^/]*)(.*)$/s.exec(path) ?? [];
  if (name === "data") return `#${rest}`;
  return name === "datacontenttype" ? "content-type" : prefix + name;
}

function attributesOf(rawHeaders: readonly string[]): Readonly<Record<string, string>> {
  const attributes = new Map<string, string>();
  const faults: ErrorPlace[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const header = rawHeaders[at]!.toLowerCase();
    if (!header.startsWith(prefix)) continue;
    const name = header.slice(prefix.length);
    const value = decode(rawHeaders[at + 1]!);
    const fault = Object.hasOwn(elsewhere, name) ? elsewhere[name]! : attributes.has(name) ? "is given twice" : value === null ? wrongText : null;
    if (fault !== null) faults.push({ pointer: header, detail: fault });
    attributes.set(name, value ?? "");
  }
  if (faults.length > 0) throw invalid("The request has `ce-` headers that cannot be read.", faults.slice(0, maxPlaces));
  return Object.fromEntries(attributes);
}

const wrongText = "must be printable ASCII, all else percent-encoded as UTF-8: %E2%82%AC, and %25 for %";

/** Decodes once. Null for what is not well encoded. */
function decode(value: string): string | null {
  const bare = /^[\x20-\x7e]*$/.test(value) ? unquoted(value) : null;
  try {
    return bare === null ? null : decodeURIComponent(bare);
  } catch {
    return null;
  }
}

/** Older producers quote blanks in place of encoding them (RFC 7230, 3.2.6). Null for a quote that does not end. */
function unquoted(value: string): string | null {
  let text = "";
  let isInside = false;
  for (let at = 0; at < value.length; at++) {
    if (value[at] === '"') isInside = !isInside;
    else text += isInside && value[at] === "\\" ? (value[++at] ?? "") : value[at];
  }
  return isInside ? null : text;
}
