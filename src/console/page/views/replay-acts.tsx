/** Pause, resume, cancel, and another rate. */
import type { ReplayReply } from "../../../http/wire/replays-replies.ts";
import { ask } from "../base/api.ts";
import { useDraft } from "../base/drafts.ts";
import { FoldedAct } from "../parts/act.tsx";

interface ReplayActsProps {
  readonly replay: ReplayReply;
  readonly refresh: () => Promise<void>;
}

export function ReplayActs({ replay, refresh }: ReplayActsProps) {
  const isPaused = replay.status === "paused" || replay.status === "pausing";
  return (
    <div class="acts">
      <Verb
        key={isPaused ? "resume" : "pause"}
        {...{ replay, refresh, isOpen: isPaused, verb: isPaused ? "resume" : "pause" }}
        says={isPaused ? "It goes on where it was." : "It starts nothing more until it is resumed; what runs ends."}
      />
      <Rate {...{ replay, refresh }} />
      <Verb {...{ replay, refresh }} verb="cancel" says="It ends now. What was not delivered again stays a dead letter." isFinal />
    </div>
  );
}

type Verb = "pause" | "resume" | "cancel";
const names = { pause: "Pause", resume: "Resume", cancel: "Cancel the replay" } as const;

interface VerbProps extends ReplayActsProps {
  readonly verb: Verb;
  readonly says: string;
  readonly isFinal?: boolean;
  readonly isOpen?: boolean;
}

function Verb({ replay, refresh, verb, says, isFinal = false, isOpen = false }: VerbProps) {
  return (
    <FoldedAct
      {...{ name: names[verb], says, isFinal, isOpen, draft: `${verb} ${replay.replay_id}` }}
      command={(reason) => ["replay", verb, replay.replay_id, "--reason", reason]}
      run={async ({ reason, onceKey }) => {
        const acted = await ask<{ readonly status: string }>(["replays", replay.replay_id, verb], {
          method: "POST",
          body: reason === undefined ? {} : { reason },
          onceKey,
        });
        await refresh();
        return `It is ${acted.status}.`;
      }}
    />
  );
}

function Rate({ replay, refresh }: ReplayActsProps) {
  const draft = `rate ${replay.replay_id}`;
  const [rate, setRate] = useDraft(`${draft} value`, replay.rate_per_second === null ? "" : String(replay.rate_per_second));
  return (
    <FoldedAct
      {...{ name: "Change the rate", fold: "Rate", draft, choice: rate }}
      says="How many deliveries begin in a second, at most."
      command={(reason) => ["replay", "rate", replay.replay_id, rate === "" ? "none" : rate, "--reason", reason]}
      run={async ({ reason, onceKey }) => {
        const body = { rate_per_second: rate === "" ? null : Number(rate), ...(reason === undefined ? {} : { reason }) };
        await ask(["replays", replay.replay_id], { method: "PATCH", body, onceKey });
        await refresh();
        return "Changed.";
      }}
    >
      <label>
        Deliveries a second (empty: no limit)
        <input type="number" min="0.01" max="10000" step="any" value={rate} onInput={(event) => setRate(event.currentTarget.value)} />
      </label>
    </FoldedAct>
  );
}
