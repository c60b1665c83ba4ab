/** What is decided about an error group: mended, out of the way for a time or for good, wrong again. */
import type { ComponentChildren } from "preact";
import type { ErrorGroupActReply, ErrorGroupDetailReply } from "../../../http/wire/error-groups.ts";
import { ask } from "../base/api.ts";
import { useDraft } from "../base/drafts.ts";
import { words } from "../base/shown-text.ts";
import { FoldedAct } from "../parts/act.tsx";
import { instantOf, NameField } from "../parts/name-field.tsx";

interface GroupActsProps {
  readonly group: ErrorGroupDetailReply;
  readonly refresh: () => Promise<void>;
}

export function GroupActs({ group, refresh }: GroupActsProps) {
  if (group.state === "open")
    return (
      <div class="acts">
        <Resolve {...{ group, refresh }} />
        <Ignore {...{ group, refresh }} />
      </div>
    );
  return (
    <div class="acts">
      <Verb {...{ group, refresh, verb: "reopen", name: "Open again", says: "It counts as wrong again." }} />
    </div>
  );
}

function Resolve(props: GroupActsProps) {
  const [build, setBuild] = useDraft(`${draftOf(props.group, "resolve")} build`, "");
  const given = build.trim();
  const says =
    given === ""
      ? "Says that it is mended: a failure after that opens it again."
      : "Says which build mends it: a failure in that build or a later one opens it again.";
  return (
    <Verb {...{ ...props, verb: "resolve", name: "Resolve", says, more: given === "" ? {} : { build: given } }}>
      <NameField label="Mended in build (optional)" value={build} change={setBuild} />
    </Verb>
  );
}

const hours = { "1 h": 1, "8 h": 8, "1 day": 24, "1 week": 168 } as const;
type Span = keyof typeof hours | "for good" | "until …";
const spans: readonly Span[] = ["1 h", "8 h", "1 day", "1 week", "until …", "for good"];

function Ignore(props: GroupActsProps) {
  const draft = draftOf(props.group, "ignore");
  const [span, setSpan] = useDraft<Span>(`${draft} span`, "1 day");
  const [local, setLocal] = useDraft(`${draft} until`, "");
  // To the minute: pressed again after no answer, it is the same act.
  const soon = (span: keyof typeof hours): string => new Date(Math.ceil(Date.now() / 60_000 + hours[span] * 60) * 60_000).toISOString();
  const until = span === "for good" ? undefined : span === "until …" ? instantOf(local) : soon(span);
  const inWords = span === "for good" ? undefined : span === "until …" ? instantOf(local) : `${hours[span]}h`;
  const says =
    span === "for good"
      ? "Leaves it out of the way until somebody opens it again. Its dead letters stay."
      : "Leaves it out of the way until then; after that it is open again by itself. Its dead letters stay.";
  return (
    <Verb
      {...{ ...props, verb: "ignore", name: "Ignore", says, words: ["--until", inWords] }}
      more={until === undefined ? {} : { until }}
      isReady={span !== "until …" || local !== ""}
    >
      <label>
        For how long
        <select value={span} onChange={(event) => setSpan(event.currentTarget.value as Span)}>
          {spans.map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      </label>
      {span === "until …" && <NameField label="Until" type="datetime-local" value={local} change={setLocal} />}
    </Verb>
  );
}

interface VerbProps extends GroupActsProps {
  readonly verb: "resolve" | "ignore" | "reopen";
  readonly name: string;
  readonly says: string;
  readonly more?: object;
  readonly words?: readonly (string | undefined)[];
  readonly isReady?: boolean;
  readonly children?: ComponentChildren;
}

function Verb({ group, refresh, verb, name, says, more = {}, words: added, isReady = true, children }: VerbProps) {
  const { fingerprint, handler } = group;
  const told = added ?? Object.entries(more).flatMap(([member, value]) => [`--${member}`, String(value)]);
  return (
    <FoldedAct
      {...{ name, says, isReady, draft: draftOf(group, verb), choice: JSON.stringify(more) }}
      command={(reason) => ["errors", verb, fingerprint, "--handler", handler, ...told, "--reason", reason]}
      run={async ({ reason, onceKey }) => {
        const body = { ...(reason === undefined ? {} : { reason }), ...more };
        const acted = await ask<ErrorGroupActReply>(["admin", "errors", fingerprint, verb], { method: "POST", query: { handler }, body, onceKey });
        await refresh();
        return `It is ${words(acted.state)}.`;
      }}
    >
      {children}
    </FoldedAct>
  );
}

function draftOf({ fingerprint, handler }: ErrorGroupDetailReply, verb: string): string {
  return `${verb} ${fingerprint} ${handler}`;
}
