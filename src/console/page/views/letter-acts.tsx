/** Replay, to the same handler or another, and discard. */
import { useState } from "preact/hooks";
import type { DeadLetterDetailReply, ReplayedReply } from "../../../http/wire/dead-letters-replies.ts";
import { ask } from "../base/api.ts";
import { hrefOf } from "../base/place.ts";
import { plural } from "../base/shown-text.ts";
import { Act } from "../parts/act.tsx";
import { Text } from "../parts/text.tsx";
import { PlanButton } from "./plan-button.tsx";

interface LetterActsProps {
  readonly letter: DeadLetterDetailReply;
  readonly refresh: () => Promise<void>;
}

export function LetterActs({ letter, refresh }: LetterActsProps) {
  const id = letter.delivery_id;
  const follows =
    letter.waiting === 0
      ? "Nothing waits behind it."
      : `When it goes well, ${plural(letter.waiting, "event")} behind it ${letter.waiting === 1 ? "goes" : "go"} on.`;
  return (
    <div class="acts">
      <details open>
        <summary>Replay</summary>
        <Act
          name="Replay"
          says={
            <>
              Delivers it again to <Text of={letter.handler} />, in today's schema. {follows}
            </>
          }
          command={(reason) => ["dlq", "replay", id, "--reason", reason]}
          run={async ({ reason, onceKey }) => {
            const result = await ask<ReplayedReply>(["admin", "dlq", id, "replay"], {
              method: "POST",
              body: { ...(reason === undefined ? {} : { reason }) },
              onceKey,
            });
            await refresh();
            return <Outcome result={result} />;
          }}
        />
      </details>
      <details>
        <summary>To another handler</summary>
        <ToOther letter={letter} />
      </details>
      <details>
        <summary>Discard</summary>
        <Discard letter={letter} refresh={refresh} />
      </details>
    </div>
  );
}

function Outcome({ result }: { readonly result: ReplayedReply }) {
  const to = <a href={hrefOf(["replays", result.replay_id])}>the replay</a>;
  if (result.status === "replayed") return <>Replayed: it went well ({to}).</>;
  if (result.status === "processing") return <>It is still being delivered: {to} tells how it goes.</>;
  return (
    <>
      It failed again ({to}): <Text of={`${result.error?.type}: ${result.error?.message}`} />
    </>
  );
}

function ToOther({ letter }: { readonly letter: DeadLetterDetailReply }) {
  const [handler, setHandler] = useState("");
  return (
    <div class="act">
      <p>Delivers the event to another handler as well; the dead letter stays what it is. First you see the plan.</p>
      <label>
        Handler <input value={handler} onInput={(event) => setHandler(event.currentTarget.value)} autocomplete="off" spellcheck={false} />
      </label>
      <PlanButton name="Plan it" selection={{ ids: [letter.delivery_id] }} targetHandler={handler.trim()} isReady={handler.trim() !== ""} />
    </div>
  );
}

function Discard({ letter, refresh }: LetterActsProps) {
  const id = letter.delivery_id;
  const [resolution, setResolution] = useState<"not_needed" | "done_by_hand">("not_needed");
  return (
    <Act
      name="Discard for good"
      {...{ mustSayWhy: true, isFinal: true }}
      says={
        <>
          Gives this delivery up: <Text of={letter.handler} /> never gets it.{" "}
          {letter.waiting === 0 ? "" : `${plural(letter.waiting, "event")} behind it ${letter.waiting === 1 ? "goes" : "go"} on.`}
        </>
      }
      command={(reason) => ["dlq", "discard", id, "--resolution", resolution, "--reason", reason]}
      run={async ({ reason, onceKey }) => {
        await ask(["admin", "dlq", id, "discard"], { method: "POST", body: { reason, resolution }, onceKey });
        await refresh();
        return "Discarded.";
      }}
    >
      <label>
        What became of it
        <select value={resolution} onChange={(event) => setResolution(event.currentTarget.value as typeof resolution)}>
          <option value="not_needed">it is not needed</option>
          <option value="done_by_hand">it was done by hand</option>
        </select>
      </label>
    </Act>
  );
}
