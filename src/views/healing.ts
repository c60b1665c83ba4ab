import type { Clock } from "../event/clock.ts";

/** The wait after a failed try to compute damaged rows anew. */
const healAgainMs = 10_000;

interface HealingOptions {
  readonly clock: Clock;
  isClosed(): boolean;
  rebuild(): Promise<void>;
  onDamage(why: string): void;
  onTrouble(error: unknown): void;
}

/** @returns a function to call with damage. It computes the rows anew, once for each file, because a new file has none of the old damage. */
export function makeHealing({ clock, isClosed, rebuild, onDamage, onTrouble }: HealingOptions): (error: unknown) => void {
  let healing = false;
  function again(): void {
    if (isClosed()) return;
    rebuild().then(
      () => {
        healing = false;
      },
      (failure: unknown) => {
        onTrouble(failure);
        clock.after(healAgainMs, again);
      },
    );
  }
  return (error) => {
    if (healing || isClosed()) return;
    healing = true;
    onDamage(error instanceof Error ? error.message : String(error));
    queueMicrotask(again); // whoever met the damage is still reading or writing
  };
}
