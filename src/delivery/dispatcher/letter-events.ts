import type { StoredEvent } from "../../event/event.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { Lane } from "../partition/lane.ts";
import type { LetterReplay } from "../partition/letter.ts";

/** A dead letter whose event has to be read, because it is delivered again. */
export interface LetterToRead {
  readonly lane: Lane;
  readonly replay: LetterReplay;
}

/** Letters whose events one reading may bring: of one tenant, because ids are unique only there, and as they are stored. */
export interface LetterGroup {
  readonly tenant: string;
  /** By the ids of their events. */
  readonly letters: ReadonlyMap<string, LetterToRead>;
}

/** About how many bytes of events one reading brings. */
const groupBytes = 1024 * 1024;

/** @returns the groups, and the letters that are read one by one: they carry other data than the log's, or are letters no more. */
export function groupsOf(letters: readonly LetterToRead[]): { readonly groups: readonly LetterGroup[]; readonly single: readonly LetterToRead[] } {
  const groups = new Map<string, Map<string, LetterToRead>>();
  const single: LetterToRead[] = [];
  for (const each of letters) {
    const { lane, replay } = each;
    const letter = lane.letters.get(replay.revision);
    if (letter === undefined || letter.amended !== null) single.push(each);
    else {
      const group = groups.get(lane.tenant) ?? new Map<string, LetterToRead>();
      groups.set(lane.tenant, group.set(letter.eventId, each));
    }
  }
  return { groups: Array.from(groups, ([tenant, ofTenant]) => ({ tenant, letters: ofTenant })), single };
}

export interface FoundLetters {
  readonly found: readonly { readonly letter: LetterToRead; readonly event: StoredEvent }[];
  /** Their events are not where they should be, or cannot be read beside the others. */
  readonly missing: readonly LetterToRead[];
  /** The reading had enough before it came to them. */
  readonly left: readonly LetterToRead[];
}

/** One reading of the log for all of the group. Where it fails, each is missing, so that one damaged record holds up no other letter. */
export async function findLetters(log: EventLog, { tenant, letters }: LetterGroup): Promise<FoundLetters> {
  const events = await log.findByIds(tenant, [...letters.keys()], groupBytes).catch(() => []);
  const byId = new Map(events.map((event) => [event.id, event]));
  const found: { letter: LetterToRead; event: StoredEvent }[] = [];
  let left: LetterToRead[] = [];
  const missing: LetterToRead[] = [];
  for (const [id, letter] of letters) {
    const event = byId.get(id);
    if (event === undefined) left.push(letter);
    else {
      for (const passedOver of left) missing.push(passedOver);
      left = [];
      if (event.stream === letter.lane.stream && event.revision === letter.replay.revision) found.push({ letter, event });
      else missing.push(letter);
    }
  }
  return events.length === 0 ? { found, missing: left, left: [] } : { found, missing, left };
}
