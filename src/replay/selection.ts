/** What an operator selects for a replay. */
import type { ReplaySelection } from "../records/plan.ts";
import type { DeadLetterFilter } from "../views/model/dead-letter.ts";
import type { HistoryFilter } from "../views/model/history.ts";

export type Selection =
  | { readonly kind: "dead_letters"; readonly filter: Omit<DeadLetterFilter, "tenant">; readonly stored: ReplaySelection }
  /** Event or delivery ids. */
  | { readonly kind: "ids"; readonly ids: readonly string[]; readonly stored: ReplaySelection }
  | { readonly kind: "history"; readonly handler: string; readonly filter: HistorySelection; readonly stored: ReplaySelection };

export interface HistorySelection extends Partial<Omit<HistoryFilter, "tenant" | "handler">> {
  /** True: also what has left the log. */
  readonly fromArchive?: boolean;
}

/** As plans keep it: what was asked, in words that JSON can hold. */
export function toSelection(
  selected:
    | { readonly deadLetters: Omit<DeadLetterFilter, "tenant"> }
    | { readonly ids: readonly string[] }
    | { readonly history: HistorySelection & { readonly handler: string } },
): Selection {
  if ("ids" in selected) {
    const ids = [...new Set(selected.ids)];
    return { kind: "ids", ids, stored: { kind: "ids", ids } };
  }
  if ("deadLetters" in selected)
    return { kind: "dead_letters", filter: selected.deadLetters, stored: { kind: "dead_letters", filter: { ...selected.deadLetters } } };
  const { handler, ...filter } = selected.history;
  const { fromPosition, toPosition, ...rest } = filter;
  const positions = {
    ...(fromPosition === undefined ? {} : { fromPosition: fromPosition.toString() }),
    ...(toPosition === undefined ? {} : { toPosition: toPosition.toString() }),
  };
  return { kind: "history", handler, filter, stored: { kind: "history", handler, filter: { ...rest, ...positions } } };
}

/** A filter as the stream of a replay keeps it. */
export function filterText(filter: object): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(filter).map(([name, value]) => [name, String(value)]));
}
