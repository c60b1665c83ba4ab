/** Who decided what about a delivery, and why. */
import type { EventReply } from "../../../http/wire/events.ts";
import { hrefOf } from "../base/place.ts";
import { words } from "../base/shown-text.ts";
import { LongText, State, Text, Time } from "../parts/text.tsx";

type Act = EventReply["deliveries"][number]["acts"][number];

export function Decided({ of }: { readonly of: readonly Act[] }) {
  if (of.length === 0) return null;
  return (
    <ul class="plain" aria-label="What was decided">
      {of.map((act) => (
        <li key={`${act.at} ${act.what}`}>
          <ActTold act={act} />
        </li>
      ))}
    </ul>
  );
}

/** `discarded by anna, 12:03:44: paid by hand` */
export function ActTold({ act }: { readonly act: Act }) {
  return (
    <>
      <State of={act.what} /> by <Text of={act.actor} max={80} />, <Time at={act.at} />
      {act.resolution !== null && ` (${words(act.resolution)})`}
      {act.reason !== null && (
        <>
          : <LongText of={act.reason} max={500} />
        </>
      )}
      {act.replay_id !== null && (
        <>
          {" "}
          <a href={hrefOf(["replays", act.replay_id])}>The replay</a>
        </>
      )}
    </>
  );
}

/** The one that was done last. */
export function latestOf(acts: readonly Act[]): Act | undefined {
  return acts.reduce<Act | undefined>((latest, act) => (latest === undefined || act.at >= latest.at ? act : latest), undefined);
}
