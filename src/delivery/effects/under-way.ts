/** Which effect a piece of code belongs to: an append within one is told by the effect's key, because on a retry the effect does not run again. */
import { AsyncLocalStorage } from "node:async_hooks";

export interface EffectUnderWay {
  readonly key: string;
  /** Appends without a key of their own that it has asked for. */
  appends: number;
}

const underWay = new AsyncLocalStorage<EffectUnderWay>();

export function withinEffect<T>(key: string, run: () => T): T {
  return underWay.run({ key, appends: 0 }, run);
}

export function effectUnderWay(): EffectUnderWay | undefined {
  return underWay.getStore();
}
