import type { IntegrationsReply } from "../../http/wire/integrations.ts";
import { countText } from "../print.ts";
import type { Matter } from "./matter.ts";
import { shellWord } from "./shell-word.ts";

type Integration = IntegrationsReply["integrations"][number];

/** An integration that is down or that an operator has stopped; one that asked for a break goes on by itself. */
export function integrationMatters({ name, state, since, until, gated_until: gatedUntil, waiting }: Integration): readonly Matter[] {
  const waits = waiting === 0 ? "" : `; ${countText(waiting, "event")} ${waiting === 1 ? "waits" : "wait"} for its handlers`;
  const matter = (wrong: boolean, found: string, next: string): readonly Matter[] => [
    { kind: "integration", wrong, handler: null, count: waiting, found: `Integration ${name} ${found}${waits}`, next },
  ];
  const from = since === null ? "" : ` since ${since}`;
  if (state === "isolated") return matter(true, `is isolated${from}: nothing calls it`, `reprise integrations reset ${shellWord(name) ?? "…"}`);
  if (state === "open") return matter(true, `is down${from}${until === null ? "" : `, tried again at ${until}`}`, "reprise integrations ls");
  if (state === "half_open") return matter(true, `is down${from}, and is being tried again`, "reprise integrations ls");
  return gatedUntil === null ? [] : matter(false, `asked to be left alone until ${gatedUntil}`, "reprise integrations ls");
}
