/**
 * Who is silent, as one instance sees it on its own monotonic clock. Time counts only while its own signs of life come back: whoever is cut off, or looks at a
 * node that is, or has just woken, accuses nobody.
 */

/** How long nothing is heard of a member before it counts as gone. */
export const silentMs = 15_000;
/** An own sign of life that comes back later than this, or looks further apart: what was seen before says nothing. */
export const ownBackMs = 5000;
/** A look that took longer says nothing. A member that is silent for 15 s in a look of the last 4 s has had nothing acknowledged within 11 s (`SelfFence`). */
export const freshMs = 4000;

export interface Look {
  /** When the own sign of life was sent that this look has read back; null: it has read none, or an older one than was acknowledged. */
  readonly ownSentMs: number | null;
  /** The signs of life of the other members, by instance; each grows with each sign. */
  readonly beats: ReadonlyMap<string, number>;
}

export class Suspicion {
  readonly #heard = new Map<string, { beat: number; atMs: number }>();
  #lookedMs = Number.NEGATIVE_INFINITY;

  /** @returns the members that are silent. */
  look(nowMs: number, { ownSentMs, beats }: Look): readonly string[] {
    const isSure = ownSentMs !== null && nowMs - ownSentMs <= ownBackMs && nowMs - this.#lookedMs <= ownBackMs;
    if (ownSentMs !== null && nowMs - ownSentMs <= ownBackMs) this.#lookedMs = nowMs;
    for (const instance of this.#heard.keys()) if (!beats.has(instance)) this.#heard.delete(instance);
    const silent: string[] = [];
    for (const [instance, beat] of beats) {
      const known = this.#heard.get(instance);
      if (known === undefined || known.beat !== beat || !isSure) this.#heard.set(instance, { beat, atMs: nowMs });
      else if (nowMs - known.atMs >= silentMs) silent.push(instance);
    }
    return silent;
  }
}
