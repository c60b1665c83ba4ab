/** By what dead letters are found. */
import type { Filter } from "../parts/filters.tsx";

const causes = ["exhausted", "terminal", "schema", "crash", "unknown_outcome", "given_up"];

export const letterFilters: readonly Filter[] = [
  { name: "handler", label: "Handler", named: "handlers" },
  { name: "error_like", label: "Error says" },
  { name: "event_type", label: "Event type", named: "event types" },
  { name: "cause", label: "Cause", options: causes },
  { name: "entity_type", label: "Entity type" },
  { name: "entity_id", label: "Entity id" },
  { name: "source", label: "Source" },
  { name: "since", label: "Since", isTime: true },
  { name: "until", label: "Until", isTime: true },
  { name: "error", label: "Error", isLinked: true },
  { name: "error_group", label: "Error group", isLinked: true },
  { name: "replay_id", label: "Replay", isLinked: true },
];
