/** Replay, to the same handler or another, and discard. */
import { useState } from "preact/hooks";
import type { DeadLetterDetailReply, ReplayedReply } from "../../../http/wire/dead-letters-replies.ts";
import { ask } from "../base/api.ts";
import { hasDraft, useDraft } from "../base/drafts.ts";
import { hrefOf } from "../base/place.ts";
import { plural } from "../base/shown-text.ts";
import { FoldedAct } from "../parts/act.tsx";
import { NameField } from "../parts/name-field.tsx";
import { Text } from "../parts/text.tsx";
import { PlanButton } from "./plan-button.tsx";
import { Resolution, type Resolved } from "./resolution.tsx";

interface LetterActsProps {
  readonly letter: DeadLetterDetailReply;
  readonly refresh: () => Promise<void>;
}

export function LetterActs({ letter, refresh }: LetterActsProps) {
  // What is escalated is decided first: approve and reject stand there.
  if (letter.status === "escalated")
    return (
      <section class="card">
        <h2>It waits for a decision</h2>
        <a class="button main" href={hrefOf(["escalations", letter.delivery_id])}>
          Decide
        </a>
      </section>
    );
  return (
    <div class="acts">
      <Replay {...{ letter, refresh }} />
      <ToOther letter={letter} />
      <Discard {...{ letter, refresh }} />
    </div>
  );
}

function followers({ waiting }: DeadLetterDetailReply): string {
  return waiting === 0 ? "" : `${plural(waiting, "event")} behind it ${waiting === 1 ? "goes" : "go"} on`;
}

function Replay({ letter, refresh }: LetterActsProps) {
  const id = letter.delivery_id;
  return (
    <FoldedAct
      {...{ name: "Replay", draft: `replay ${id}`, isOpen: true }}
      says={
        <>
          Delivers it again to <Text of={letter.handler} max={80} />, in today's schema.{" "}
          {letter.waiting > 0 ? `When it goes well, ${followers(letter)}.` : "Nothing waits behind it."}
        </>
      }
      command={(reason) => ["dlq", "replay", id, "--reason", reason]}
      run={async ({ reason, onceKey }) => {
        const body = reason === undefined ? {} : { reason };
        const result = await ask<ReplayedReply>(["admin", "dlq", id, "replay"], { method: "POST", body, onceKey });
        await refresh();
        return <Outcome result={result} />;
      }}
    />
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
  const draft = `other ${letter.delivery_id}`;
  const [isOpen] = useState(() => hasDraft(draft));
  const [handler, setHandler] = useDraft(draft, "");
  return (
    <details class="fold" open={isOpen}>
      <summary>To another handler</summary>
      <div class="act">
        <p>Delivers the event to another handler as well; the dead letter stays what it is. First you see the plan.</p>
        <NameField label="Handler" named="handlers" value={handler} change={setHandler} />
        <PlanButton name="Plan it" selection={{ ids: [letter.delivery_id] }} targetHandler={handler.trim()} isReady={handler.trim() !== ""} />
      </div>
    </details>
  );
}

function Discard({ letter, refresh }: LetterActsProps) {
  const id = letter.delivery_id;
  const draft = `discard ${id}`;
  const [resolution, setResolution] = useDraft<Resolved>(`${draft} resolution`, "not_needed");
  return (
    <FoldedAct
      {...{ name: "Discard for good", fold: "Discard", draft, choice: resolution, mustSayWhy: true, isFinal: true }}
      says={
        <>
          Gives this one delivery up: <Text of={letter.handler} max={80} /> never gets it. {letter.waiting > 0 && `${followers(letter)}.`}
        </>
      }
      command={(reason) => ["dlq", "discard", id, "--resolution", resolution, "--reason", reason]}
      run={async ({ reason, onceKey }) => {
        await ask(["admin", "dlq", id, "discard"], { method: "POST", body: { reason, resolution }, onceKey });
        await refresh();
        return "Discarded.";
      }}
    >
      <Resolution value={resolution} change={setResolution} />
    </FoldedAct>
  );
}
