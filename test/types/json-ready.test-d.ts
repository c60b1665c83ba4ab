// Checked by plain `tsc`: no type that reaches a user's code holds a bigint, which JSON.stringify throws at. A new method or member is looked at by itself.
import { expectTypeOf } from "vitest";
import type * as reprise from "../../src/index.ts";
import type { HistorySelection } from "../../src/replay/selection.ts";
import type { TestStore } from "../../src/testing/test-store.ts";

/** True when a value of T, or what a function of it answers, may hold a bigint. Recursive types are followed to a depth of ten. */
type HoldsBigint<T, Depth extends readonly 0[] = []> = Depth["length"] extends 10
  ? never
  : unknown extends T
    ? never
    : T extends bigint
      ? true
      : T extends string | number | boolean | null | undefined | symbol | AbortSignal
        ? never
        : T extends (...given: never) => infer Answer
          ? HoldsBigint<Answer, [...Depth, 0]>
          : T extends PromiseLike<infer Value> | readonly (infer Value)[] | ReadonlyMap<unknown, infer Value>
            ? HoldsBigint<Value, [...Depth, 0]>
            : T extends object
              ? { [Name in keyof T]-?: HoldsBigint<T[Name], [...Depth, 0]> }[keyof T]
              : never;

expectTypeOf<HoldsBigint<{ act?: () => Promise<readonly { readonly entry: { readonly at: bigint | null } }[]> }>>().toEqualTypeOf<true>();

expectTypeOf<HoldsBigint<reprise.Store>>().toEqualTypeOf<never>();
expectTypeOf<HoldsBigint<typeof reprise.openStore>>().toEqualTypeOf<never>();
expectTypeOf<HoldsBigint<TestStore>>().toEqualTypeOf<never>();
expectTypeOf<HoldsBigint<reprise.CurrentEvent | reprise.StoredEvent | reprise.HandlerContext>>().toEqualTypeOf<never>();
expectTypeOf<HoldsBigint<reprise.Lifted | reprise.LiftStep | reprise.RepriseError>>().toEqualTypeOf<never>();
expectTypeOf<
  HoldsBigint<reprise.AppendedEvent | reprise.AmendResult | reprise.LaneActResult | reprise.ReplayResult | reprise.ReplayBatchResult>
>().toEqualTypeOf<never>();
expectTypeOf<Parameters<reprise.Upcaster<reprise.EventDefinition, 1>>[1]>().toEqualTypeOf<reprise.StoredEvent>();

// What is answered is taken back, too.
expectTypeOf<reprise.Position>().toExtend<Parameters<reprise.Store["views"]["waitFor"]>[0]>();
expectTypeOf<{ readonly fromPosition: reprise.Position }>().toExtend<HistorySelection>();
