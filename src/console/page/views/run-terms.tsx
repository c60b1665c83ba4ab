/** On which terms a plan runs: how fast, with which canary, when it stops by itself. */
import type { PlanReply } from "../../../http/wire/plans.ts";
import type { ReplayStartedReply } from "../../../http/wire/replays-replies.ts";
import { ask } from "../base/api.ts";
import { useDraft } from "../base/drafts.ts";
import { goTo } from "../base/place.ts";
import { Act } from "../parts/act.tsx";

const numbers = [
  { name: "rate", label: "Deliveries a second, at most", standard: "", min: "0.01", max: "10000", step: "any" },
  { name: "canary", label: "Canary: entities that go first, alone", standard: "1", min: "1", max: "10000", step: "1" },
  { name: "hold", label: "Seconds to watch the canary", standard: "10", min: "0", max: "86400", step: "any" },
  { name: "inARow", label: "Stop after so many failures in a row", standard: "5", min: "1", max: "100000", step: "1" },
  { name: "ratio", label: "Stop when this part has failed (0.1: a tenth)", standard: "", min: "0.0001", max: "1", step: "any" },
] as const;
type Name = (typeof numbers)[number]["name"];
type Values = Readonly<Record<Name, string>>;
const standard = Object.fromEntries(numbers.map(({ name, standard }) => [name, standard])) as Values;

export function RunTerms({ plan }: { readonly plan: PlanReply }) {
  const draft = `run ${plan.plan_id}`;
  const [values, setValues] = useDraft<Values>(`${draft} terms`, standard);
  const [dryRun, setDryRun] = useDraft(`${draft} dry`, false);
  const [again, setAgain] = useDraft(`${draft} again`, false);
  const asked = { plan_id: plan.plan_id, mode: dryRun ? "dry_run" : "run", ...termsOf(values), ...(again ? { effects: "again" } : {}) };
  return (
    <section class="card">
      <h2>Run it</h2>
      <Act
        {...{ name: dryRun ? "Run it dry" : "Run", draft: `${draft} act`, choice: JSON.stringify(asked) }}
        says={
          dryRun
            ? "Goes up to the handlers and no further; the plan can be run afterwards."
            : "Delivers exactly what the plan lists, in the order of each entity."
        }
        count={dryRun ? 1 : plan.deliveries}
        mustSayWhy
        command={(reason) => [
          ...["replay", "run", plan.plan_id, "--rate", values.rate, "--canary", values.canary, "--hold", values.canary === "" ? undefined : values.hold],
          ...[
            "--stop-in-a-row",
            values.inARow,
            "--stop-ratio",
            values.ratio,
            again && "--effects",
            again && "again",
            dryRun && "--dry-run=",
            "--reason",
            reason,
          ],
        ]}
        run={async ({ reason, onceKey }) => {
          const started = await ask<ReplayStartedReply>(["replays"], { method: "POST", body: { ...asked, reason }, onceKey });
          goTo(["replays", started.replay_id]);
          return "It runs.";
        }}
      >
        <Numbers values={values} change={setValues} />
        <label class="choice">
          <input type="checkbox" checked={dryRun} onChange={(event) => setDryRun(event.currentTarget.checked)} /> Dry run
        </label>
        <label class="choice">
          <input type="checkbox" checked={again} onChange={(event) => setAgain(event.currentTarget.checked)} /> Run effects again that are on record
        </label>
      </Act>
    </section>
  );
}

/** What was typed, as the service asks for it. */
function termsOf(values: Values) {
  const value = (name: Name): number | undefined => (values[name].trim() === "" ? undefined : Number(values[name]));
  const stopWhen = { ...one("failure_ratio", value("ratio")), ...one("failures_in_a_row", value("inARow")) };
  const canary = value("canary");
  return {
    ...one("rate_per_second", value("rate")),
    ...(canary === undefined ? {} : { canary: { entities: canary, hold_seconds: value("hold") ?? 0 } }),
    ...(Object.keys(stopWhen).length === 0 ? {} : { stop_when: stopWhen }),
  };
}

function Numbers({ values, change }: { readonly values: Values; readonly change: (values: Values) => void }) {
  return (
    <div class="fields">
      {numbers.map(({ name, label, min, max, step }) => (
        <label key={name} for={`term-${name}`}>
          {label}
          <input
            {...{ id: `term-${name}`, type: "number", min, max, step }}
            value={values[name]}
            onInput={(event) => change({ ...values, [name]: event.currentTarget.value })}
          />
        </label>
      ))}
    </div>
  );
}

function one(name: string, value: number | undefined): Readonly<Record<string, number>> {
  return value === undefined ? {} : { [name]: value };
}
