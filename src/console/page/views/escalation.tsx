/** One delivery that waits for a person: what it would do, and the decision, with its reason. */
import type { EscalationReply, EscalationsReply } from "../../../http/wire/escalations.ts";
import { ask, Problem } from "../base/api.ts";
import { useLive } from "../base/live.ts";
import { hrefOf } from "../base/place.ts";
import { may } from "../base/session.ts";
import { Act } from "../parts/act.tsx";
import { Payload } from "../parts/payload.tsx";
import { ProblemText } from "../parts/problem.tsx";
import { Facts, State, Text, Time } from "../parts/text.tsx";

export function EscalationPage({ id }: { readonly id: string }) {
  const live = useLive<EscalationReply>(`escalation ${id}`, async () => {
    const { escalations } = await ask<EscalationsReply>(["admin", "escalations"], { query: { delivery_id: id, limit: 1 } });
    if (escalations[0] === undefined) throw new Problem(404, { code: "NOT_FOUND", detail: "This delivery never waited for a decision." });
    return escalations[0];
  });
  const escalation = live.data.value;
  return (
    <>
      <p class="crumbs">
        <a href={hrefOf(["escalations"], { status: "open" })}>Escalations</a>
      </p>
      <h1 tabIndex={-1}>{escalation === null ? "Escalation" : <Text of={`${escalation.entity.type}/${escalation.entity.id}`} max={130} />}</h1>
      <ProblemText of={live.problem.value} />
      {escalation === null ? live.problem.value === null && <p class="soft">Reading …</p> : <Escalation {...{ escalation }} refresh={live.refresh} />}
    </>
  );
}

interface EscalationProps {
  readonly escalation: EscalationReply;
  readonly refresh: () => Promise<void>;
}

function Escalation({ escalation, refresh }: EscalationProps) {
  const { entity } = escalation;
  return (
    <>
      <p class="lead">
        <State of={escalation.status} /> <Text of={escalation.why} max={2000} />
      </p>
      <Facts
        of={[
          ["Handler", <Text of={escalation.handler} />],
          ["When", escalation.when === "before" ? "before its call: nothing was done yet" : "after a call that failed, or whose outcome nobody knows"],
          ["Waits since", <Time at={escalation.created_at} />],
          ["Due", <Time at={escalation.due_at} />],
          [
            "Entity",
            <a href={hrefOf(["entities", entity.type, entity.id])}>
              <Text of={`${entity.type}/${entity.id}`} />
            </a>,
          ],
          ["Event", <a href={hrefOf(["events", escalation.event_id])}>{escalation.event_type}</a>],
          ...(escalation.decided_at === null ? [] : decisionOf(escalation)),
        ]}
      />
      {escalation.status === "open" && may("operate") && <Decide {...{ escalation, refresh }} />}
      <h2>What it would be delivered</h2>
      {escalation.data_error === null ? (
        <Payload value={escalation.data} label="Payload" />
      ) : (
        <p class="problem">
          <Text of={escalation.data_error} max={2000} />
        </p>
      )}
    </>
  );
}

function decisionOf({ decided_at, decided_by, reason }: EscalationReply) {
  return [
    ["Decided", <Time at={decided_at} />] as const,
    ["By", <Text of={decided_by ?? "nobody in time"} />] as const,
    ["Reason", <Text of={reason ?? "–"} />] as const,
  ];
}

const decisions = [
  { verb: "approve", name: "Approve", says: "It runs once, in its place in the line of its entity.", isFinal: false },
  { verb: "reject", name: "Reject", says: "It is discarded for good; what waits behind it goes on.", isFinal: true },
] as const;

function Decide({ escalation, refresh }: EscalationProps) {
  const id = escalation.delivery_id;
  return (
    <>
      <h2>Decide</h2>
      <div class="beside">
        {decisions.map(({ verb, name, says, isFinal }) => (
          <section key={verb} class="card" aria-label={name}>
            <Act
              {...{ name, says, isFinal, mustSayWhy: true, draft: `${verb} ${id}` }}
              command={(reason) => ["escalations", verb, id, "--reason", reason]}
              run={async ({ reason, onceKey }) => {
                const decided = await ask<EscalationReply>(["admin", "escalations", id, verb], { method: "POST", body: { reason }, onceKey });
                await refresh();
                return `It is ${decided.status}.`;
              }}
            />
          </section>
        ))}
      </div>
    </>
  );
}
