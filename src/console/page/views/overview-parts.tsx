/** The parts of the overview: each is there when it has something to say. */
import type { DeadLetterStatsReply } from "../../../http/wire/dead-letters-replies.ts";
import type { ErrorGroupsReply } from "../../../http/wire/error-groups.ts";
import type { EscalationsReply } from "../../../http/wire/escalations.ts";
import type { IntegrationsReply } from "../../../http/wire/integrations.ts";
import type { ReplaysReply } from "../../../http/wire/replays-replies.ts";
import type { HandlersReply } from "../../../http/wire/service.ts";
import { hrefOf } from "../base/place.ts";
import { plural, shownCount } from "../base/shown-text.ts";
import { durationText, State, Text, Time } from "../parts/text.tsx";

/** Open error groups that hold something up, by what they hold. */
export function Errors({ groups, isWhole }: { readonly groups: ErrorGroupsReply["groups"]; readonly isWhole: boolean }) {
  const holding = groups.filter(({ waiting }) => waiting > 0).sort((a, b) => b.waiting - a.waiting || b.entities - a.entities);
  const retrying = groups.length - holding.length;
  if (groups.length === 0) return null;
  return (
    <section>
      <h2>Errors, by what they hold up</h2>
      <ul class="rows">
        {holding.slice(0, 10).map((group) => (
          <li key={`${group.tenant} ${group.handler} ${group.fingerprint}`}>
            <span class="what">
              <a href={hrefOf(["errors", group.fingerprint], { handler: group.handler })}>
                <Text of={`${group.type}: ${group.message}`} max={160} />
              </a>
              <small>
                <Text of={group.handler} /> · since <Time at={group.first_seen} /> · last <Time at={group.last_seen} />
              </small>
            </span>
            <strong class="much">{plural(group.waiting, "dead letter")}</strong>
          </li>
        ))}
      </ul>
      <p>
        {(holding.length > 10 || retrying > 0 || !isWhole) && (
          <a href={hrefOf(["errors"], { state: "open" })}>
            {retrying > 0 && holding.length <= 10 && isWhole ? `${plural(retrying, "more error")} without dead letters` : "All open errors"}
          </a>
        )}
      </p>
    </section>
  );
}

/** What waits for a decision, the next that is due first. */
export function Deciding({ waiting }: { readonly waiting: EscalationsReply | null }) {
  if (waiting === null || waiting.escalations.length === 0) return null;
  const byDue = [...waiting.escalations].sort((a, b) => Date.parse(a.due_at ?? "9999-12-31T00:00:00Z") - Date.parse(b.due_at ?? "9999-12-31T00:00:00Z"));
  return (
    <section>
      <h2>Waiting for a decision</h2>
      <ul class="rows">
        {byDue.slice(0, 5).map((each) => (
          <li key={each.delivery_id}>
            <span class="what">
              <a href={hrefOf(["escalations", each.delivery_id])}>
                <Text of={`${each.entity.type}/${each.entity.id}`} max={80} />
              </a>
              <small>
                <Text of={each.why} max={160} />
              </small>
            </span>
            <small class="much">{each.due_at === null ? "no time set" : <Due at={each.due_at} />}</small>
          </li>
        ))}
      </ul>
      {(waiting.next_cursor !== null || byDue.length > 5) && <a href={hrefOf(["escalations"], { status: "open" })}>All of them</a>}
    </section>
  );
}

function Due({ at }: { readonly at: string }) {
  return (
    <>
      {Date.parse(at) < Date.now() ? "was due" : "due"} <Time at={at} />
    </>
  );
}

export function Recovering({ replays }: { readonly replays: ReplaysReply["replays"] }) {
  if (replays.length === 0) return null;
  return (
    <section>
      <h2>Recovering</h2>
      <ul class="rows">
        {replays.map((replay) => (
          <li key={replay.replay_id}>
            <span class="what">
              <a href={hrefOf(["replays", replay.replay_id])}>
                Replay of <Text of={replay.actor} max={40} />
              </a>
              <small>
                since <Time at={replay.started_at} />
                {replay.seconds_left !== null && <> · {durationText(replay.seconds_left)} left</>}
              </small>
            </span>
            <span class="much">
              <State of={replay.status} /> {shownCount(replay.total - replay.remaining)} of {shownCount(replay.total)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function Down({ integrations }: { readonly integrations: IntegrationsReply["integrations"] }) {
  if (integrations.length === 0) return null;
  const order = ["open", "isolated", "half_open", "closed"];
  return (
    <section>
      <h2>Integrations</h2>
      <ul class="rows">
        {[...integrations]
          .sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
          .slice(0, 8)
          .map((each) => (
            <li key={each.name}>
              <span class="what">
                <a href={hrefOf(["handlers"])}>
                  <Text of={each.name} max={80} />
                </a>
                {each.state !== "closed" && (
                  <small>
                    since <Time at={each.since} /> · {plural(each.waiting, "event")} waiting
                    {each.until !== null && (
                      <>
                        {" "}
                        · tried again <Time at={each.until} />
                      </>
                    )}
                  </small>
                )}
              </span>
              <State of={each.state} />
            </li>
          ))}
      </ul>
      {integrations.length > 8 && <a href={hrefOf(["handlers"])}>All {shownCount(integrations.length)}</a>}
    </section>
  );
}

export function HandlerTable({ handlers }: { readonly handlers: HandlersReply["handlers"] | null }) {
  if (handlers === null) return null;
  const byTrouble = [...handlers].sort((a, b) => Number(a.state === "running") - Number(b.state === "running") || b.waiting - a.waiting);
  const late = byTrouble.filter(({ state, waiting }) => state !== "running" || waiting > 0);
  return (
    <section>
      <h2>Handlers</h2>
      {late.length === 0 && (
        <p class="good-news">{handlers.length === 0 ? "There is no handler." : `All ${plural(handlers.length, "handler")} are up to date.`}</p>
      )}
      <ul class="rows">
        {late.slice(0, 10).map((handler) => (
          <li key={handler.name}>
            <span class="what">
              <a href={hrefOf(["handlers"])}>
                <Text of={handler.name} max={120} />
              </a>
              <small>
                {plural(handler.waiting, "event")} waiting
                {handler.lag_events > 0 && <> · {durationText(handler.lag_seconds)} behind</>}
                {handler.why !== null && (
                  <>
                    {" "}
                    · <Text of={handler.why} max={200} />
                  </>
                )}
              </small>
            </span>
            <State of={handler.state} />
          </li>
        ))}
      </ul>
      {late.length > 10 && <a href={hrefOf(["handlers"])}>All {shownCount(handlers.length)}</a>}
    </section>
  );
}

export function LetterCounts({ stats }: { readonly stats: DeadLetterStatsReply | null }) {
  if (stats === null || stats.total === 0) return null;
  return (
    <div class="beside">
      <Counts name="Dead letters by handler" rows={stats.by_handler.map(({ handler, count }) => ({ text: handler, count, query: { handler } }))} />
      <Counts
        name="Dead letters by event type"
        rows={stats.by_event_type.map(({ event_type, count }) => ({ text: event_type, count, query: { event_type } }))}
      />
    </div>
  );
}

interface Row {
  readonly text: string;
  readonly count: number;
  readonly query: Readonly<Record<string, string>>;
}

function Counts({ name, rows }: { readonly name: string; readonly rows: readonly Row[] }) {
  return (
    <section>
      <h2>{name}</h2>
      <ul class="rows">
        {rows.slice(0, 8).map((row) => (
          <li key={row.text}>
            <a class="what" href={hrefOf(["dead-letters"], row.query)}>
              <Text of={row.text} max={120} />
            </a>
            <strong class="much">{shownCount(row.count)}</strong>
          </li>
        ))}
      </ul>
    </section>
  );
}
