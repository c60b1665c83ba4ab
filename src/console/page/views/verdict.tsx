/** One look at night: is something wrong, how much, and what to press next. */
import type { ComponentChildren } from "preact";
import type { DeadLetterStatsReply } from "../../../http/wire/dead-letters-replies.ts";
import type { ErrorGroupsReply } from "../../../http/wire/error-groups.ts";
import type { EscalationsReply } from "../../../http/wire/escalations.ts";
import type { IntegrationsReply } from "../../../http/wire/integrations.ts";
import type { ReplaysReply } from "../../../http/wire/replays-replies.ts";
import type { HandlersReply } from "../../../http/wire/service.ts";
import { hrefOf } from "../base/place.ts";
import { plural, shownCount } from "../base/shown-text.ts";
import { Time } from "../parts/text.tsx";

export interface Found {
  /** Of dead letters. */
  readonly total: number | null;
  readonly stats: DeadLetterStatsReply | null;
  readonly handlers: HandlersReply["handlers"] | null;
  readonly integrations: IntegrationsReply["integrations"] | null;
  readonly waiting: EscalationsReply | null;
  readonly running: ReplaysReply["replays"] | null;
  readonly groups: ErrorGroupsReply["groups"];
}

export function Verdict({ total, stats, handlers, integrations, waiting, running, groups }: Found) {
  // Handlers may take a while to be counted: nothing is said to be well before they are.
  if (total === null || waiting === null || running === null || integrations === null || (handlers === null && total === 0))
    return <p class="soft">Reading …</p>;
  const down = integrations.filter(({ state }) => state !== "closed").length;
  const still = handlers?.filter(({ state }) => state !== "running").length ?? 0;
  // What waits for a decision is counted among the dead letters, too.
  const deciding = waiting.escalations.length;
  const more = waiting.next_cursor !== null;
  const failed = Math.max(0, total - deciding);
  const isWrong = failed + down + still > 0;
  const worst = [...groups].sort((a, b) => b.waiting - a.waiting)[0];
  const inWords = isWrong ? "Something is wrong" : deciding > 0 ? "Somebody has to decide" : running.length > 0 ? "It is recovering" : "All is well";
  const mood = isWrong ? "bad" : deciding > 0 ? "warn" : "good";
  return (
    <section class={`verdict ${mood}`} aria-label="In one look">
      <p class="says">
        <strong>{inWords}</strong>
        {total === 0 && <span>No dead letter: nothing waits for a person.</span>}
        {failed > 0 && worst !== undefined && worst.waiting > 0 && (
          <a class="button main" href={hrefOf(["errors", worst.fingerprint], { handler: worst.handler })}>
            Look at the largest error
          </a>
        )}
      </p>
      <ul class="tiles">
        <Tile count={total} name={total === 1 ? "dead letter" : "dead letters"} href={hrefOf(["dead-letters"])} isBad={failed > 0}>
          {stats !== null && stats.total > 0 && (
            <>
              hold {plural(stats.waiting, "later event")}, since <Time at={stats.oldest_at} />
            </>
          )}
        </Tile>
        <Tile count={deciding} more={more} name={deciding === 1 ? "decision waits" : "decisions wait"} href={hrefOf(["escalations"], { status: "open" })} />
        <Tile count={down} name={down === 1 ? "integration down" : "integrations down"} href={hrefOf(["handlers"])} isBad={down > 0}>
          {integrations.length > 0 && `of ${shownCount(integrations.length)}`}
        </Tile>
        <Tile count={still} name={still === 1 ? "handler stands still" : "handlers stand still"} href={hrefOf(["handlers"])} isBad={still > 0}>
          {handlers !== null && handlers.length > 0 && `of ${shownCount(handlers.length)}`}
        </Tile>
        <Tile count={running.length} name={running.length === 1 ? "replay runs" : "replays run"} href={hrefOf(["replays"])} />
      </ul>
    </section>
  );
}

interface TileProps {
  readonly count: number;
  readonly name: string;
  readonly href: string;
  readonly more?: boolean;
  readonly isBad?: boolean;
  readonly children?: ComponentChildren;
}

function Tile({ count, name, href, more = false, isBad = false, children }: TileProps) {
  return (
    <li class={count === 0 ? "none" : isBad ? "bad" : "some"}>
      <a href={href}>
        <strong>
          {shownCount(count)}
          {more && "+"}
        </strong>{" "}
        {name}
      </a>
      {children && <small>{children}</small>}
    </li>
  );
}
