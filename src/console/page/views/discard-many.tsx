/** Gives many dead letters up at once: those that were chosen, or the oldest that match. */
import type { DiscardBatchReply } from "../../../http/wire/dead-letters-replies.ts";
import { ask, Problem } from "../base/api.ts";
import { useDraft } from "../base/drafts.ts";
import { plural, shownCount } from "../base/shown-text.ts";
import { FoldedAct } from "../parts/act.tsx";
import { Text } from "../parts/text.tsx";
import { filterWords } from "./plan-button.tsx";
import { Resolution, type Resolved } from "./resolution.tsx";

/** The service gives up no more at once. */
const maxAtOnce = 1000;

export function DiscardMatches({ filter, total }: { readonly filter: Readonly<Record<string, string>>; readonly total: number }) {
  const draft = `discard matches ${JSON.stringify(filter)}`;
  const [resolution, setResolution] = useDraft<Resolved>(`${draft} resolution`, "not_needed");
  const count = Math.min(total, maxAtOnce);
  return (
    <FoldedAct
      {...{ draft, count, choice: `${resolution} ${count}`, mustSayWhy: true, isFinal: true }}
      fold={`Discard ${count < total ? `the oldest ${shownCount(count)} of ${shownCount(total)}` : `all ${plural(total, "match", "matches")}`}`}
      name={`Discard ${shownCount(count)} for good`}
      says={`Gives ${plural(count, "delivery", "deliveries")} up: their handlers never get them. What waits behind them goes on.`}
      command={(reason) => ["dlq", "discard", ...filterWords(filter), "--max", String(count), "--resolution", resolution, "--reason", reason]}
      run={async ({ reason, onceKey }) => {
        const body = { ...filter, max_events: count, resolution, reason };
        const { discarded, skipped, remaining } = await ask<DiscardBatchReply>(["admin", "dlq", "discard-batch"], { method: "POST", body, onceKey });
        return `${shownCount(discarded)} discarded, ${shownCount(skipped)} left alone, ${shownCount(remaining)} remain.`;
      }}
    >
      <Resolution value={resolution} change={setResolution} />
    </FoldedAct>
  );
}

interface DiscardChosenProps {
  readonly ids: readonly string[];
  /** @param left those that were refused. */
  readonly done: (left: readonly string[]) => void;
}

export function DiscardChosen({ ids, done }: DiscardChosenProps) {
  const [resolution, setResolution] = useDraft<Resolved>("discard chosen resolution", "not_needed");
  return (
    <FoldedAct
      {...{ draft: "discard chosen", count: ids.length, choice: `${resolution} ${ids.join()}`, mustSayWhy: true, isFinal: true }}
      fold={`Discard ${plural(ids.length, "chosen one")}`}
      name={`Discard ${shownCount(ids.length)} for good`}
      says={`Gives ${plural(ids.length, "delivery", "deliveries")} up: their handlers never get them. What waits behind them goes on.`}
      command={(reason) => ["dlq", "discard", ...ids.slice(0, 20), ids.length > 20 && "…", "--resolution", resolution, "--reason", reason]}
      run={async ({ reason, onceKey }) => {
        const refused: { readonly id: string; readonly why: string }[] = [];
        for (const [index, id] of ids.entries())
          try {
            await ask(["admin", "dlq", id, "discard"], { method: "POST", body: { reason, resolution }, onceKey: `${onceKey}-${index}` });
          } catch (error) {
            // Nobody answers: those that are done are done, and the same act goes on with the others.
            if (!(error instanceof Problem) || error.status === 0 || error.status === 401) throw error;
            refused.push({ id, why: error.message });
          }
        done(refused.map(({ id }) => id));
        return <Refused of={refused} count={ids.length} />;
      }}
    >
      <Resolution value={resolution} change={setResolution} />
    </FoldedAct>
  );
}

function Refused({ of, count }: { readonly of: readonly { readonly id: string; readonly why: string }[]; readonly count: number }) {
  return (
    <>
      <p>
        {plural(count - of.length, "dead letter")} discarded{of.length > 0 && `, ${shownCount(of.length)} refused`}.
      </p>
      <ul>
        {of.slice(0, 10).map(({ id, why }) => (
          <li key={id}>
            <code>{id}</code> <Text of={why} max={300} />
          </li>
        ))}
      </ul>
    </>
  );
}
