/** All replays, the newest first. */
import type { ReplayReply, ReplaysReply } from "../../../http/wire/replays-replies.ts";
import { ask } from "../base/api.ts";
import { hrefOf, place } from "../base/place.ts";
import { shownCount, words } from "../base/shown-text.ts";
import { List } from "../parts/list.tsx";
import { State, Text, Time } from "../parts/text.tsx";

export function Replays() {
  const load = async (cursor: string | undefined) => {
    const { replays, next_cursor } = await ask<ReplaysReply>(["replays"], { query: { limit: 100, cursor } });
    return { rows: replays, next: next_cursor };
  };
  return (
    <>
      <h1 tabIndex={-1}>Replays</h1>
      <p>
        <a class="button main" href={hrefOf(["replays", "new"])}>
          A new replay
        </a>
      </p>
      <List<ReplayReply>
        {...{ of: `replays ${place.value.query.tenant}`, load, label: "Replays", idOf: (replay) => replay.replay_id, empty: "Nothing was replayed yet." }}
        orderOf={(replay) => Date.parse(replay.created_at)}
        columns={[
          {
            ...{ name: "Begun", width: 13 },
            cell: (replay) => (
              <a href={hrefOf(["replays", replay.replay_id])}>
                <Time at={replay.created_at} isShort />
              </a>
            ),
          },
          {
            ...{ name: "State", width: 12 },
            cell: ({ status, mode }) => (
              <>
                <State of={status} />
                {mode === "dry_run" && " dry"}
              </>
            ),
          },
          { ...{ name: "Kind", width: 12, wide: true }, cell: ({ kind }) => words(kind) },
          {
            ...{ name: "Done", width: 13, isNumber: true },
            cell: (replay) => `${shownCount(replay.succeeded + replay.failed + replay.skipped)} of ${shownCount(replay.total)}`,
          },
          { ...{ name: "Failed", width: 7, isNumber: true, wide: true }, cell: ({ failed }) => shownCount(failed) },
          { ...{ name: "By", width: 14, wide: true }, cell: ({ actor }) => <Text of={actor} max={60} /> },
          { name: "Reason", cell: ({ reason }) => <Text of={reason ?? ""} max={160} />, wide: true },
        ]}
      />
    </>
  );
}
