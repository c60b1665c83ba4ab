/**
 * Where the page is: `#/dead-letters?handler=ledger`. In the fragment, because that is sent to no server and stands in no log of a proxy, and because the page
 * then is one file under whatever prefix.
 */
import { signal } from "@preact/signals";

export interface Place {
  /** `dead-letters`, `<id>` */
  readonly path: readonly string[];
  readonly query: Readonly<Record<string, string>>;
}

export const place = signal(readPlace());
window.addEventListener("hashchange", () => (place.value = readPlace()));

function readPlace(): Place {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  return {
    path: path
      .split("/")
      .filter((part) => part !== "")
      .map(decoded),
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The tenant that is looked at goes along. */
export function hrefOf(path: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): string {
  const { tenant } = place.value.query;
  const given = Object.entries({ ...(tenant === undefined ? {} : { tenant }), ...query }).filter(([, value]) => value !== undefined && value !== "");
  const text = new URLSearchParams(given as [string, string][]).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${text === "" ? "" : `?${text}`}`;
}

export function goTo(path: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): void {
  location.hash = hrefOf(path, query);
}

/** Other filters of the same view: no new step for the browser's "back". */
export function changeQuery(query: Readonly<Record<string, string | undefined>>): void {
  history.replaceState(null, "", hrefOf(place.value.path, { ...place.value.query, ...query }));
  place.value = readPlace();
}
