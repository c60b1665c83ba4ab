/** Dead letters that a selection names, as candidates for a plan. */
import { waitsForDecision } from "../delivery/dispatcher/letter-acts.ts";
import type { RunningHandlers } from "../delivery/running-handlers.ts";
import { isRepriseError } from "../errors.ts";
import { makeTurns } from "../event/turns.ts";
import type { HeldLane, LetterPointer } from "../views/model/letters-to-replay.ts";
import { type Candidates, mustFit, type SelectedItem, type SelectionCounts, type SelectNeeds, type SelectOptions } from "./candidates.ts";
import { laneOf } from "./items.ts";
import type { Selection } from "./selection.ts";
import { whyLeftAlone } from "./why-left-alone.ts";

type LetterSelection = Exclude<Selection, { kind: "history" }>;

export async function selectLetters(needs: SelectNeeds, selection: LetterSelection, options: SelectOptions, counts: SelectionCounts): Promise<Candidates> {
  const { targetHandler, maxItems } = options;
  const letters = await matching(needs, selection, options, counts);
  mustFit(letters.length, maxItems);
  // For another handler each is a delivery of the replay's own: the dead letter stays, and so does what its lane holds.
  const eligible = targetHandler === null ? await eligibleOf(needs, letters, counts) : letters;
  const held = targetHandler === null ? await heldBy(needs, eligible) : new Map<string, HeldLane>();
  const errors = new Map<SelectedItem, string>();
  const turns = makeTurns();
  for (const letter of eligible) {
    if (turns.due()) await turns.next();
    const type = needs.catalog.resolve(letter.type) ?? letter.type;
    const through = held.get(laneOf({ handler: letter.handler, lane: letter.stream }))?.through ?? null;
    errors.set(toItem(letter, { type, targetHandler, through }), `${letter.error.type}: ${letter.error.message}`);
  }
  return { items: [...errors.keys()], errors, held, deadLetters: letters.length };
}

async function matching(
  { views }: SelectNeeds,
  selection: LetterSelection,
  { tenant, maxItems }: SelectOptions,
  counts: SelectionCounts,
): Promise<readonly LetterPointer[]> {
  if (selection.kind === "dead_letters") return views.oldestDeadLetters({ ...selection.filter, tenant }, maxItems + 1);
  const { letters, notDeadLettered, unknown } = await views.deadLettersOf(tenant, selection.ids);
  counts.leaveOut("not dead-lettered", notDeadLettered);
  counts.leaveOut("there is no such event or delivery", unknown);
  return letters;
}

async function eligibleOf({ delivery }: SelectNeeds, letters: readonly LetterPointer[], counts: SelectionCounts): Promise<readonly LetterPointer[]> {
  const turns = makeTurns();
  const eligible: LetterPointer[] = [];
  for (const letter of letters) {
    if (turns.due()) await turns.next();
    const reason = await whyNot(delivery, letter);
    if (reason === null) eligible.push(letter);
    else counts.leaveOut(reason);
  }
  return eligible;
}

async function whyNot(delivery: RunningHandlers, { handler, stream, revision }: LetterPointer): Promise<string | null> {
  try {
    const { letters, known } = delivery.must(handler);
    if ((await known(stream, revision))?.isEscalated) return waitsForDecision;
    letters.mayAct(stream, revision, "replay");
    return null;
  } catch (error) {
    if (isRepriseError(error, "LETTER_NOT_FIRST")) return null; // the plan may have the earlier one, too
    const reason = whyLeftAlone(error);
    if (reason !== null) return reason;
    throw error;
  }
}

async function heldBy({ views }: SelectNeeds, letters: readonly LetterPointer[]): Promise<ReadonlyMap<string, HeldLane>> {
  const lanes = new Map(letters.map(({ handler, stream }) => [laneOf({ handler, lane: stream }), { handler, stream }]));
  const held = await views.heldLanes([...lanes.values()]);
  return new Map([...lanes.keys()].map((lane, index) => [lane, held[index]!]));
}

function toItem(
  { handler, stream: lane, revision, position, eventId, attempts }: LetterPointer,
  { type, targetHandler, through }: { readonly type: string; readonly targetHandler: string | null; readonly through: number | null },
): SelectedItem {
  return {
    ...{ handler: targetHandler ?? handler, lane, revision, at: position.toString(), eventId, attempts: targetHandler === null ? attempts : 0 },
    ...(through === null ? {} : { through }),
    type,
  };
}
