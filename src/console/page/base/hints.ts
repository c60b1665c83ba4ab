/** Tells that something has happened: the service's stream of events and deliveries, of which nothing but the moment is taken. */
import { loggedOut, urlOf } from "./api.ts";
import { place } from "./place.ts";

/** A stream that broke off, or that was refused because too many read, is tried again after so long. */
const againMs = 5000;

let stream: EventSource | null = null;
let tenant: string | undefined;
let triedMs = Number.NEGATIVE_INFINITY;
let latestMs = 0;

/** When something happened last, as far as is known. */
export const latestHintMs = (): number => latestMs;

/** Whether the service would say that something happened. */
export const isFollowing = (): boolean => stream?.readyState === EventSource.OPEN;

/** Opens the stream, or closes it: a page that nobody looks at takes no place of a reader. */
export function follow(): void {
  const { tenant: asked } = place.peek().query;
  if (document.hidden || loggedOut.peek() || (stream !== null && asked !== tenant)) close();
  if (document.hidden || loggedOut.peek() || stream !== null || Date.now() - triedMs < againMs) return;
  triedMs = Date.now();
  tenant = asked;
  const opened = new EventSource(urlOf(["events", "stream"], { types: "events,deliveries", tenant }));
  const hint = (): void => void (latestMs = Date.now());
  // What happened before it was open is not told.
  for (const name of ["open", "event", "delivery"]) opened.addEventListener(name, hint);
  // Not left to the browser, which would ask for all that was missed.
  opened.addEventListener("error", () => stream === opened && close());
  stream = opened;
}

function close(): void {
  stream?.close();
  stream = null;
}
