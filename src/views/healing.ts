import type { Clock } from "../event/clock.ts";

/** The wait after rows that are damaged could not be computed anew. */
const healAgainMs = 10_000;

interface HealingOptions {
  readonly clock: Clock;
  isClosed(): boolean;
  rebuild(): Promise<void>;
  onDamage(why: string): void;
  onTrouble(error: unknown): void;
}

/** @returns what is told of damage. It computes the rows anew, once for each file: all damage in a file goes with the file. */
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
