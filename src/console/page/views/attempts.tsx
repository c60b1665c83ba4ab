/** The attempts of a delivery, the newest first: when, how long, what the receiver said. */
import type { AttemptReply } from "../../../http/wire/deliveries.ts";
import { hrefOf } from "../base/place.ts";
import { plural, words } from "../base/shown-text.ts";
import { Scrolls } from "../parts/payload.tsx";
import { LongText, State, Text, Time } from "../parts/text.tsx";

export function Attempts({ of }: { readonly of: readonly AttemptReply[] }) {
  if (of.length === 0) return <p class="soft">No attempt is on record.</p>;
  return (
    <ol class="attempts" reversed start={of.length}>
      {of.map((attempt) => (
        <li key={`${attempt.replay_id} ${attempt.attempt} ${attempt.started_at}`} class={attempt.outcome}>
          <p>
            <State of={attempt.outcome} /> Attempt {attempt.attempt}, <Time at={attempt.started_at} />, {Math.round(attempt.duration_ms)} ms
            {attempt.class !== null && <>, {words(attempt.class)}</>}
            {attempt.http_status !== undefined && <>, HTTP {attempt.http_status}</>}
            {attempt.replay_id !== null && (
              <>
                , <a href={hrefOf(["replays", attempt.replay_id])}>by a replay</a>
              </>
            )}
            {attempt.actor !== null && (
              <>
                {" "}
                of <Text of={attempt.actor} />
              </>
            )}
          </p>
          {attempt.error !== null && (
            <p>
              <strong>
                <Text of={attempt.error.type} />
              </strong>{" "}
              <LongText of={attempt.error.message} max={2000} />
            </p>
          )}
          <More name="What the receiver answered" label={`Answer to attempt ${place(attempt)}`} text={attempt.response_head} />
          <More name="Stack" label={`Stack of attempt ${place(attempt)}`} text={attempt.error?.stack} />
          <More
            name={`Log (${plural(attempt.log.length, "line")})`}
            label={`Log of attempt ${place(attempt)}`}
            text={attempt.log.length === 0 ? undefined : attempt.log.join("\n")}
          />
        </li>
      ))}
    </ol>
  );
}

/** Each replay counts its attempts anew. */
function place({ attempt, started_at: at }: AttemptReply): string {
  return `${attempt}, ${at}`;
}

function More({ name, label, text }: { readonly name: string; readonly label: string; readonly text: string | undefined }) {
  if (text === undefined || text === "") return null;
  return (
    <details>
      <summary>{name}</summary>
      <Scrolls label={label}>
        <LongText of={text} max={16_384} />
      </Scrolls>
    </details>
  );
}
