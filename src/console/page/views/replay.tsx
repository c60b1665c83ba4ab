/** A replay on its way: how far, how fast, how long still; and its report. */
import { useRef } from "preact/hooks";
import type { ReplayReply } from "../../../http/wire/replays-replies.ts";
import { ask } from "../base/api.ts";
import { useLive } from "../base/live.ts";
import { hrefOf } from "../base/place.ts";
import { may } from "../base/session.ts";
import { plural, shownCount } from "../base/shown-text.ts";
import { ProblemText } from "../parts/problem.tsx";
import { durationText, Facts, State, Text, Time } from "../parts/text.tsx";
import { ReplayActs } from "./replay-acts.tsx";
import { ReplayReport } from "./replay-report.tsx";
import { Stations } from "./stations.tsx";

const ended = new Set(["completed", "cancelled", "stopped"]);

export function ReplayPage({ id }: { readonly id: string }) {
  const live = useLive<ReplayReply>(`replay ${id}`, () => ask<ReplayReply>(["replays", id]), { isEager: ({ status }) => !ended.has(status) });
  const replay = live.data.value;
  return (
    <>
      <p class="crumbs">
        <a href={hrefOf(["replays"])}>Replays</a>
      </p>
      <h1 tabIndex={-1}>{replay?.mode === "dry_run" ? "Dry run" : "Replay"}</h1>
      <Stations at={replay !== null && ended.has(replay.status) ? 3 : 2} />
      <ProblemText of={live.problem.value} />
      {replay === null ? live.problem.value === null && <p class="soft">Reading …</p> : <Replay replay={replay} refresh={live.refresh} />}
    </>
  );
}

function Replay({ replay, refresh }: { readonly replay: ReplayReply; readonly refresh: () => Promise<void> }) {
  const done = replay.succeeded + replay.failed + replay.skipped;
  const isOver = ended.has(replay.status);
  const measured = useRate(replay.remaining > 0 ? done : done - replay.releases_left);
  return (
    <>
      <p class="lead" role="status">
        <State of={replay.status} /> {shownCount(done)} of {plural(replay.total, "delivery", "deliveries")} done.
        {replay.why !== null && (
          <>
            {" "}
            <Text of={replay.why} max={1000} />
          </>
        )}
      </p>
      <progress max={Math.max(1, replay.total)} value={done} aria-label="Deliveries that are done" />
      <Facts
        of={[
          ["Went well", shownCount(replay.succeeded)],
          ["Failed", replay.failed === 0 ? "0" : <a href={hrefOf(["dead-letters"], { replay_id: replay.replay_id })}>{shownCount(replay.failed)}</a>],
          ["Skipped", shownCount(replay.skipped)],
          ["To follow", plural(replay.releases_left, "event")],
          [
            "Rate",
            isOver
              ? "–"
              : `${measured === null ? "measuring" : `${measured.toFixed(1)}/s`}, limit ${replay.rate_per_second === null ? "none" : `${replay.rate_per_second}/s`}`,
          ],
          ["Time left", isOver || replay.seconds_left === null ? "–" : durationText(replay.seconds_left)],
          ["Canary", replay.canary === null ? "none" : `${plural(replay.canary.entities, "entity", "entities")}, watched for ${replay.canary.hold_seconds} s`],
          ["Stops when", stopText(replay.stop_when)],
          [
            "Begun",
            <>
              <Time at={replay.started_at} /> by <Text of={replay.actor} />
            </>,
          ],
          ["Ended", <Time at={replay.ended_at} />],
          ["Reason", <Text of={replay.reason ?? "–"} />],
        ]}
      />
      {replay.skips.length > 0 && (
        <ul class="rows">
          {replay.skips.map(({ reason, count }) => (
            <li key={reason}>
              <span class="what">
                Skipped: <Text of={reason} />
              </span>
              <strong class="much">{shownCount(count)}</strong>
            </li>
          ))}
        </ul>
      )}
      {!isOver && may("operate") && <ReplayActs replay={replay} refresh={refresh} />}
      {replay.mode === "dry_run" && isOver && replay.plan_id !== null && (
        <p>
          <a href={hrefOf(["replays", "plans", replay.plan_id])}>Back to the plan, to run it</a>
        </p>
      )}
      <ReplayReport id={replay.replay_id} />
    </>
  );
}

function stopText(stop: ReplayReply["stop_when"]): string {
  if (stop === null) return "never by itself";
  const said = [
    stop.failures_in_a_row !== null && `${stop.failures_in_a_row} fail in a row`,
    stop.failure_ratio !== null && `${stop.failure_ratio * 100} % have failed`,
  ];
  return said.filter(Boolean).join(", or ");
}

/** Deliveries a second between the answers of the last half minute; null until two of them differ. */
function useRate(done: number): number | null {
  const seen = useRef<{ readonly atMs: number; readonly done: number }[]>([]);
  if (done < (seen.current.at(-1)?.done ?? done)) seen.current = []; // it counts what follows from now on
  const list = seen.current;
  if (list.at(-1)?.done !== done) list.push({ atMs: Date.now(), done });
  while (list.length > 2 && Date.now() - list[0]!.atMs > 30_000) list.shift();
  const [first, last] = [list[0]!, list.at(-1)!];
  return last.atMs === first.atMs ? null : ((last.done - first.done) * 1000) / (Date.now() - first.atMs);
}
