/**
 * What a handler did to the outside for one event, under keys of its own (docs/rules.md, Effects). One stream for each handler and event, one event for
 * each effect that succeeded, stored before `context.effect` returns. What happened between an effect and its record is in nobody's record: there, and
 * only there, it can run twice.
 */
import { EffectScope, type EffectsOf, type Ledgers } from "./effect-scope.ts";
import { Ledger, type LedgerOptions } from "./ledger.ts";

export interface EffectsOptions extends LedgerOptions {
  readonly handler: string;
}

export interface Effects {
  open(of: EffectsOf): EffectScope;
}

export function makeEffects({ handler, ...options }: EffectsOptions): Effects {
  const used = new Map<string, Ledger>();
  const ledgers: Ledgers = {
    enter(stream, mayBeRecorded) {
      const ledger = used.get(stream) ?? new Ledger(options, stream, mayBeRecorded);
      used.set(stream, ledger);
      ledger.enter();
      return ledger;
    },
    leave(ledger) {
      ledger.leave();
      ledgers.forgetUnused(ledger);
    },
    forgetUnused(ledger) {
      if (!ledger.isUsed) used.delete(ledger.stream);
    },
  };
  return { open: (of) => new EffectScope(handler, ledgers, of) };
}
