import { everyTenant } from "../../event/names.ts";
import type { KnownNames } from "../model/known-names.ts";
import type { Sources } from "./context.ts";

/** Names that a refusal lists, at most. */
const shownNames = 20;

/**
 * The names that filters may use. A handler is known while the log or the config has it, even when it is absent. A type is known when the catalog has it, under
 * any name, or when the caller's tenant has events of it. Entity types, sources and texts of errors have no registry, so a filter by an unknown one just matches nothing.
 */
export function makeKnownNames({ db, catalog, running }: Sources): KnownNames {
  const isStored = (tenant: string, type: string): boolean =>
    (tenant === everyTenant
      ? db().get("select 1 from types where type = ?", type)
      : db().get("select 1 from tenant_types where tenant = ? and type = ?", tenant, type)) !== undefined;
  return {
    unknownName({ tenant = everyTenant, handler, eventType }) {
      if (handler !== undefined && running.condition(handler).state === "absent") {
        const names = db()
          .all<{ name: string }>("select name from handlers where ordering is not null order by name")
          .map(({ name }) => name);
        if (!names.includes(handler)) return { what: "handler", name: handler, known: shown(names) };
      }
      if (eventType !== undefined && catalog.resolve(eventType) === undefined && !isStored(tenant, eventType))
        return { what: "event_type", name: eventType, known: shown(catalog.types) };
      return null;
    },
  };
}

function shown(names: readonly string[]): string {
  if (names.length === 0) return "none is";
  const more = names.length - shownNames;
  return [...names.slice(0, shownNames), ...(more > 0 ? [`${more} more`] : [])].join(", ");
}
