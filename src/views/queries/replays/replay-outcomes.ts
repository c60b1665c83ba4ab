import { makeTurns } from "../../../event/turns.ts";
import type { AskedAppend } from "../../../records/attempt.ts";
import type { ReplayOutcomes } from "../../model/replay.ts";
import type { Sources } from "../context.ts";
import { rowsAtOnce } from "../ways.ts";

interface OwnOutcomeRow {
  readonly item: number;
  readonly outcome: "succeeded" | "failed";
  readonly attempts: number;
  readonly error_type: string | null;
  readonly error_message: string | null;
  /** Both are JSON. */
  readonly effects: string;
  readonly appends: string;
}

export function makeReplayOutcomes({ db }: Sources): ReplayOutcomes {
  return {
    async replayOutcomes(tenant, replayId) {
      const outcomes = new Map<string, "replayed" | "dead_lettered">();
      const turns = makeTurns();
      for (let after: readonly [string, number, number] = ["", -1, -1]; ; ) {
        if (turns.due()) await turns.next();
        const rows = db().all<{ handler: string; entity: number; stream: string; revision: number; outcome: "replayed" | "dead_lettered" }>(
          `select o.handler, o.entity, n.stream, o.revision, o.outcome from replay_outcomes o cross join entities n on n.id = o.entity
           where o.replay = ? and n.tenant = ? and (o.handler, o.entity, o.revision) > (?, ?, ?) order by o.handler, o.entity, o.revision limit ${rowsAtOnce}`,
          replayId,
          tenant,
          ...after,
        );
        for (const { handler, stream, revision, outcome } of rows) outcomes.set(`${handler}\n${stream}\n${revision}`, outcome);
        const last = rows.at(-1);
        if (last === undefined || rows.length < rowsAtOnce) return outcomes;
        after = [last.handler, last.entity, last.revision];
      }
    },

    async replayOutcome(tenant, replayId, { handler, stream, revision }) {
      return db().get<{ outcome: "replayed" | "dead_lettered" }>(
        `select o.outcome from entities n cross join replay_outcomes o on o.replay = ? and o.handler = ? and o.entity = n.id and o.revision = ? where n.stream = ? and n.tenant = ?`,
        replayId,
        handler,
        revision,
        stream,
        tenant,
      )?.outcome;
    },

    async ownOutcomes(tenant, replayId, from, limit) {
      return db()
        .all<OwnOutcomeRow>(
          "select o.* from replays r cross join replay_own_outcomes o on o.replay = r.id where r.id = ? and r.tenant = ? and o.item >= ? order by o.item limit ? + 0",
          replayId,
          tenant,
          from,
          limit,
        )
        .map(({ item, outcome, attempts, error_type, error_message, effects, appends }) => ({
          item,
          outcome,
          attempts,
          error: error_type === null ? null : { type: error_type, message: error_message ?? "" },
          effects: JSON.parse(effects) as readonly string[],
          appends: JSON.parse(appends) as readonly AskedAppend[],
        }));
    },
  };
}
