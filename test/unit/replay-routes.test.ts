import { expect, it } from "vitest";
import type { Dispatcher } from "../../src/delivery/dispatcher/dispatcher.ts";
import { routedReplays } from "../../src/delivery/replay-routes.ts";
import { RepriseError } from "../../src/errors.ts";

/** A partition with one lane that follows a replay. */
class Partition {
  hasLeft = false;
  #followers = 1;
  readonly #passed = Promise.withResolvers<void>();
  readonly replays = { passed: () => this.#passed.promise, followers: () => this.#followers };

  pass(): void {
    this.#followers = 0;
    this.#passed.resolve();
  }

  fail(error: RepriseError): void {
    this.#passed.reject(error);
  }

  get asDispatcher(): Dispatcher {
    return this as unknown as Dispatcher;
  }
}

function sideOf(here: readonly Partition[]) {
  const routes = {
    all: () => here.map(({ asDispatcher }) => asDispatcher),
    hasLeft: (dispatcher: Dispatcher) => (dispatcher as unknown as Partition).hasLeft,
    here: () => here[0]!.asDispatcher,
    ...{ allElsewhere: () => [], elsewhere: () => null },
  };
  let state = "waits";
  routedReplays(routes)
    .passed("r1")
    .then(
      () => (state = "passed"),
      (error: RepriseError) => (state = error.code),
    );
  return async () => {
    await new Promise(setImmediate);
    return state;
  };
}

it("what a replay released has passed when all partitions have passed it that stay, and all that have come meanwhile", async () => {
  const [stays, leaves, comes] = [new Partition(), new Partition(), new Partition()];
  const here = [stays, leaves];
  const state = sideOf(here);
  leaves.hasLeft = true;
  leaves.fail(new RepriseError("NOT_OWNER", "planted"));
  here.splice(1, 1);
  expect(await state()).toBe("waits");
  here.push(comes);
  stays.pass();
  expect(await state()).toBe("waits");
  comes.pass();
  expect(await state()).toBe("passed");
});

it("a partition that stands still for another reason than a move is told", async () => {
  const [stays, stops] = [new Partition(), new Partition()];
  const state = sideOf([stays, stops]);
  stops.fail(new RepriseError("JOURNAL_DAMAGED", "planted"));
  expect(await state()).toBe("JOURNAL_DAMAGED");
});
