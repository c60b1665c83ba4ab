/** Which view an address names. */
import type { ComponentChildren } from "preact";
import { hrefOf, type Place } from "../base/place.ts";
import { DeadLetterPage } from "../views/dead-letter.tsx";
import { DeadLetters } from "../views/dead-letters.tsx";
import { Entities } from "../views/entities.tsx";
import { EntityPage } from "../views/entity.tsx";
import { ErrorGroupPage } from "../views/error-group.tsx";
import { ErrorGroups } from "../views/error-groups.tsx";
import { EscalationPage } from "../views/escalation.tsx";
import { Escalations } from "../views/escalations.tsx";
import { EventPage } from "../views/event.tsx";
import { Events } from "../views/events.tsx";
import { Handlers } from "../views/handlers.tsx";
import { Overview } from "../views/overview.tsx";
import { ReplayPage } from "../views/replay.tsx";
import { ReplayChoose } from "../views/replay-choose.tsx";
import { ReplayPlan } from "../views/replay-plan.tsx";
import { Replays } from "../views/replays.tsx";
import { Schemas } from "../views/schemas.tsx";

export interface Room {
  readonly path: string;
  readonly name: string;
  /** `g` and then this letter goes there. */
  readonly letter: string;
}

export const rooms: readonly Room[] = [
  { path: "", name: "Overview", letter: "o" },
  { path: "errors", name: "Errors", letter: "e" },
  { path: "dead-letters", name: "Dead letters", letter: "d" },
  { path: "escalations", name: "Escalations", letter: "c" },
  { path: "entities", name: "Entities", letter: "n" },
  { path: "replays", name: "Replays", letter: "r" },
  { path: "handlers", name: "Handlers", letter: "h" },
  { path: "schemas", name: "Schemas", letter: "s" },
  { path: "events", name: "Events", letter: "v" },
];

export function viewOf({ path: [room = "", one, two], query }: Place): ComponentChildren {
  const key = `${room} ${one} ${two} ${query.tenant}`;
  switch (room) {
    case "":
      return <Overview key={key} />;
    case "errors":
      return one === undefined ? <ErrorGroups key={key} /> : <ErrorGroupPage key={key} fingerprint={one} />;
    case "dead-letters":
      return one === undefined ? <DeadLetters key={key} /> : <DeadLetterPage key={key} id={one} />;
    case "escalations":
      return one === undefined ? <Escalations key={key} /> : <EscalationPage key={key} id={one} />;
    case "entities":
      return one === undefined || two === undefined ? <Entities key={key} /> : <EntityPage key={key} type={one} id={two} />;
    case "replays":
      if (one === "plans" && two !== undefined) return <ReplayPlan key={key} id={two} />;
      if (one === "new") return <ReplayChoose key={key} />;
      return one === undefined ? <Replays key={key} /> : <ReplayPage key={key} id={one} />;
    case "handlers":
      return <Handlers key={key} />;
    case "schemas":
      return <Schemas key={key} type={one} />;
    case "events":
      return one === undefined ? <Events key={key} /> : <EventPage key={key} id={one} />;
    default:
      return (
        <>
          <h1 tabIndex={-1}>There is no such view</h1>
          <p>
            <a href={hrefOf([])}>To the overview</a>
          </p>
        </>
      );
  }
}
