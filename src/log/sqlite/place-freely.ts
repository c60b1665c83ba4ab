/** Revisions of a stream that are not there. The last of them stood at `at`, as a link says; the others below it and above `above`, nobody knows where. */
export interface Gap {
  readonly streamId: number;
  readonly from: number;
  readonly through: number;
  readonly at: number;
  /** Position of the event before them; 0: there is none. */
  readonly above: number;
}

/**
 * Gives the events of each gap positions among those that were lost, rising with their revisions. From the highest place downwards, each goes to the gap that
 * must have its places soonest: whatever the true places were, there is a place for all of them so.
 *
 * @param lost rising.
 * @returns of each gap, in its order: a position for each revision. Where there are too few, as more than one thing is damaged, some share one.
 */
export function placeFreely(gaps: readonly Gap[], lost: readonly number[]): readonly (readonly number[])[] {
  const certain = new Set(gaps.map(({ at }) => at));
  const placed: number[][] = gaps.map(({ at }) => [at]);
  const coming = [...gaps.keys()].filter((index) => gaps[index]!.through > gaps[index]!.from).sort((one, other) => gaps[one]!.at - gaps[other]!.at);
  /** Gaps that may take a place now, the one that must have it soonest last. */
  const waiting: number[] = [];
  for (const position of lost.toReversed()) {
    if (certain.has(position)) continue;
    while (coming.length > 0 && gaps[coming.at(-1)!]!.at > position) insert(coming.pop()!);
    while (waiting.length > 0 && gaps[waiting.at(-1)!]!.above >= position) waiting.pop(); // none is left for it
    const index = waiting.at(-1);
    if (index === undefined) continue;
    placed[index]!.unshift(position);
    if (placed[index]!.length > gaps[index]!.through - gaps[index]!.from) waiting.pop();
  }
  for (const [index, { from, through }] of gaps.entries()) while (placed[index]!.length <= through - from) placed[index]!.unshift(placed[index]![0]!);
  return placed;

  function insert(index: number): void {
    const { above } = gaps[index]!;
    const place = waiting.findIndex((other) => gaps[other]!.above > above);
    waiting.splice(place === -1 ? waiting.length : place, 0, index);
  }
}
