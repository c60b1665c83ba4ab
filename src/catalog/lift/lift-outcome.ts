import type { StoredEvent } from "../../event/event.ts";
import type { Catalog, FailureText } from "../catalog.ts";

/** The result of lifting a stored event with today's code, in a word. */
export type LiftOutcome =
  | { readonly is: "current" | "split" | "dropped"; readonly error: null }
  /** `newer`: its type or version is unknown to this build; `failed`: a step or a schema refused it. */
  | { readonly is: "newer" | "failed"; readonly error: FailureText };

export function liftOutcome(catalog: Catalog, stored: StoredEvent): LiftOutcome {
  const lifted = catalog.current(stored);
  if (!lifted.ok) return { is: lifted.reason === "newer_build" ? "newer" : "failed", error: lifted.error };
  if (lifted.dropped !== null) return { is: "dropped", error: null };
  return { is: lifted.parts.some(({ origin }) => origin !== null) ? "split" : "current", error: null };
}
