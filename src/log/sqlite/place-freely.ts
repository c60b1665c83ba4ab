/** Missing revisions of a stream. A link tells that the last of them stood at `at`. The others stood below it and above `above`, nobody knows where. */
export interface Gap {
  readonly streamId: number;
  readonly from: number;
  readonly through: number;
  readonly at: number;
  /** Position of the event before them; 0: there is none. */
  readonly above: number;
}

/**
 * Gives the events of each gap some of the lost positions, rising with their revisions. From the highest position downwards, each goes to the gap with the
 * highest lower end, because that gap runs out of positions first. In this way every event gets a position, whatever the true positions were.
 *
 * @param lost rising.
 * @returns for each gap, in its order, a position for each revision. When there are too few, because of further damage, some revisions share one.
 */
export function placeFreely(gaps: readonly Gap[], lost: readonly number[]): readonly (readonly number[])[] {
  const certain = new Set(gaps.map(({ at }) => at));
  const placed: number[][] = gaps.map(({ at }) => [at]);
  const coming = [...gaps.keys()].filter((index) => gaps[index]!.through > gaps[index]!.from).sort((one, other) => gaps[one]!.at - gaps[other]!.at);
  /** Gaps that may take a position now; the one with the highest lower end comes last. */
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
