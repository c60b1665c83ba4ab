/** The first step to a replay: what shall be delivered again. */
import type { ErrorGroupsReply } from "../../../http/wire/error-groups.ts";
import { ask } from "../base/api.ts";
import { useDraft } from "../base/drafts.ts";
import { useLive } from "../base/live.ts";
import { place } from "../base/place.ts";
import { plural } from "../base/shown-text.ts";
import { instantOf, localOf, NameField } from "../parts/name-field.tsx";
import { ProblemText } from "../parts/problem.tsx";
import { Text } from "../parts/text.tsx";
import { PlanButton } from "./plan-button.tsx";
import { historyFields, type Kind, kinds, letterFields, selectionOf, type Values } from "./replay-selection.ts";
import { Stations } from "./stations.tsx";

export function ReplayChoose() {
  const { kind: asked, tenant, ...given } = place.value.query;
  const draft = `new replay ${tenant}`;
  const [kind, setKind] = useDraft<Kind>(`${draft} kind`, asked !== undefined && Object.hasOwn(kinds, asked) ? (asked as Kind) : "group");
  const [values, setValues] = useDraft<Values>(`${draft} values`, given);
  const selection = selectionOf(kind, values);
  const set = (name: string, value: string): void => setValues({ ...values, [name]: value });
  return (
    <>
      <h1 tabIndex={-1}>A new replay: choose</h1>
      <Stations at={0} />
      <fieldset>
        <legend>What shall be delivered again?</legend>
        {(Object.keys(kinds) as Kind[]).map((each) => (
          <label key={each} class="choice">
            <input type="radio" name="kind" checked={kind === each} onChange={() => setKind(each)} /> {kinds[each]}
          </label>
        ))}
      </fieldset>
      {kind === "group" && <Groups chosen={values.group ?? ""} choose={(group) => set("group", group)} />}
      <div class="fields">
        {fieldsOf(kind).map(({ name, label, named, isTime, hint }) => (
          <NameField
            key={name}
            {...{ label, named, hint, type: isTime ? "datetime-local" : "text" }}
            value={isTime ? localOf(values[name] ?? "") : (values[name] ?? "")}
            change={(value) => set(name, isTime && value !== "" ? instantOf(value) : value)}
          />
        ))}
        {kind === "ids" && (
          <label class="whole">
            Ids of events or deliveries, one a line
            <textarea rows={6} spellcheck={false} value={values.ids ?? ""} onInput={(event) => set("ids", event.currentTarget.value)} />
          </label>
        )}
        <NameField
          label="To another handler (optional)"
          named="handlers"
          value={values.target_handler ?? ""}
          change={(value) => set("target_handler", value)}
        />
      </div>
      <p>A plan changes nothing: it freezes the selection and says what would happen.</p>
      <PlanButton name="Plan" selection={selection ?? { ids: [] }} targetHandler={values.target_handler?.trim()} isReady={selection !== null} isMain />
      {selection === null && <p class="soft">{kinds[kind]}: say which ones first.</p>}
    </>
  );
}

function fieldsOf(kind: Kind) {
  return kind === "dead_letters" ? letterFields : kind === "history" ? historyFields : [];
}

/** Open error groups that have dead letters. */
function Groups({ chosen, choose }: { readonly chosen: string; readonly choose: (group: string) => void }) {
  const live = useLive<ErrorGroupsReply>(`groups to replay ${place.value.query.tenant}`, () =>
    ask<ErrorGroupsReply>(["admin", "errors"], { query: { state: "open", limit: 100 } }),
  );
  const groups = (live.data.value?.groups ?? []).filter(({ waiting }) => waiting > 0).sort((a, b) => b.waiting - a.waiting);
  return (
    <fieldset>
      <legend>Which error?</legend>
      <ProblemText of={live.problem.value} />
      {live.data.value === null && live.problem.value === null && <p class="soft">Reading …</p>}
      {live.data.value !== null && groups.length === 0 && <p class="soft">No open error has dead letters.</p>}
      {groups.slice(0, 50).map((group) => {
        const value = `${group.fingerprint} ${group.handler}`;
        return (
          <label key={value} class="choice">
            <input type="radio" name="group" checked={chosen === value} onChange={() => choose(value)} />
            <span>
              <Text of={`${group.type}: ${group.message}`} max={160} />{" "}
              <small>
                <Text of={group.handler} max={80} />, {plural(group.waiting, "dead letter")}
              </small>
            </span>
          </label>
        );
      })}
    </fieldset>
  );
}
