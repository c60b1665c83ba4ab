/** How code's names are written at the edge. */

/** `occurredAt` → `occurred_at`. */
export function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => "_" + letter.toLowerCase());
}

/** A place in an event as its JSON body names it: `/contextRefs/0/kind` → `/context_refs/0/kind`. What is below the first member, as data is, is not Reprise's. */
export function toWirePlace(path: string): string {
  return path.replace(/^\/[^/]*/, snake);
}

const attributes: Readonly<Record<string, string>> = { entity: "subject", occurredAt: "time" };
/** Members whose value is one text in a CloudEvent. */
const texts = /^\/(entity|callChain|contextRefs)\/.*/;

/** A place in an event as its CloudEvent names it: `/entity/id` → `/subject`, `/extensions/dataref` → `/dataref`, `/correlationId` → `/correlationid`. */
export function toCloudEventPlace(path: string): string {
  if (path.startsWith("/extensions/")) return path.slice("/extensions".length);
  return path.replace(texts, "/$1").replace(/^\/([^/]*)/, (_, name: string) => `/${attributes[name] ?? name.toLowerCase()}`);
}
