/** Choices that a seed decides, so that what a seed finds is found again. */
export interface Random {
  /** From 0 up to 1, which is never reached. */
  next(): number;
  /** True in so many cases of one. */
  some(part: number): boolean;
  /** A whole number below `end`. */
  below(end: number): number;
  one<T>(list: readonly T[]): T;
  list<T>(maxLength: number, make: () => T): T[];
}

/** Mulberry32. */
export function makeRandom(seed: number): Random {
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (end: number): number => Math.floor(next() * end);
  return {
    next,
    below,
    some: (part) => next() < part,
    one: (list) => list[below(list.length)]!,
    list: (maxLength, make) => Array.from({ length: below(maxLength + 1) }, make),
  };
}
