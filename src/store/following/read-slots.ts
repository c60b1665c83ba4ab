/** How many readers read the log by themselves at once: each holds a batch of it. The others wait in line. */
export interface ReadSlots {
  /** @returns gives the slot back, and is called once; null when `signal` was aborted first. */
  take(signal: AbortSignal): Promise<(() => void) | null>;
}

export function makeReadSlots(size: number): ReadSlots {
  let free = size;
  const line: (() => void)[] = [];
  const giveBack = (): void => {
    const next = line.shift();
    if (next === undefined) free++;
    else next();
  };
  return {
    async take(signal) {
      if (signal.aborted) return null;
      if (free > 0) free--;
      else await new Promise<void>((resolve) => line.push(resolve));
      if (!signal.aborted) return giveBack;
      giveBack();
      return null;
    },
  };
}
