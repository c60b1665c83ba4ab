import type { Clock } from "../event/clock.ts";

/** The wait after a failed try to compute damaged rows anew. */
const healAgainMs = 10_000;

interface HealingOptions {
  readonly clock: Clock;
  isClosed(): boolean;
  /** Whether the log was shortened before the rows had read all that went. */
  isIncomplete(): boolean;
  rebuild(): Promise<void>;
  onDamage(why: string): void;
  onTrouble(error: unknown): void;
}

export interface Healing {
  /** To call with damage: computes the rows anew, once for each file, because a new file has none of the old damage. */
  heal(error: unknown): void;
  /** To call with rows that were opened: computes them anew when they are incomplete. */
  look(): void;
}

export function makeHealing({ clock, isClosed, isIncomplete, rebuild, onDamage, onTrouble }: HealingOptions): Healing {
  let healing = false;
  function again(): void {
    if (isClosed()) return;
    rebuild().then(
      () => {
        healing = false;
        look();
      },
      (failure: unknown) => {
        onTrouble(failure);
        clock.after(healAgainMs, again);
      },
    );
  }
  function heal(error: unknown): void {
    if (healing || isClosed()) return;
    healing = true;
    onDamage(error instanceof Error ? error.message : String(error));
    queueMicrotask(again); // whoever met the damage is still reading or writing
  }
  function look(): void {
    if (!healing && !isClosed() && isIncomplete()) heal(new Error("a journal was shortened before the views had read it"));
  }
  return { heal, look };
}
