import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AppendedEvent, EventFilter, SubscriptionBatch } from "../../../src/log/event-log.ts";
import type { Chapter } from "../chapter.ts";
import { anAppend } from "../event-log-model.ts";
import { anEvent, follow, refuses, settle, stored } from "../log-events.ts";

export function describeSubscriptions({ open, patient, openEmpty }: Chapter): void {
  describe("subscriptions", () => {
    it("give the data of the streams that ask for it, and everything but the data of the others", async () => {
      const log = await open();
      const append = async () => {
        for (let i = 0; i < 40; i++)
          await log.append(`shop.${i % 3 === 0 ? "item" : "order"}-${i % 7}`, [anEvent({ data: { text: "x".repeat(i * 20) } })], "any");
      };
      await append();
      const follower = follow(log, { after: 0n, dataOf: (stream) => stream.startsWith("shop.item") });
      await append();
      await follower.reaches(await log.head());
      const all = await stored(log, {}, true);
      const seen = await follower.stop();
      expect(seen.map(({ data, ...rest }) => rest)).toEqual(all.map(({ data, ...rest }) => rest));
      for (const [index, { stream, data }] of seen.entries()) if (stream.startsWith("shop.item") || data !== null) expect(data).toEqual(all[index]!.data);
    });

    it("go from catch-up to live without gap or duplicate", async () => {
      const log = await open();
      for (let i = 0; i < 3; i++)
        await log.append(
          "shop.order-1",
          Array.from({ length: 500 }, () => anEvent()),
          "any",
        );
      const appended: AppendedEvent[] = [];
      const writing = (async () => {
        for (let i = 0; i < 100; i++) appended.push(...(await log.append(`shop.item-${i % 9}`, [anEvent(), anEvent()], "any")));
      })();
      const follower = follow(log, { after: 0n });
      await writing;
      await follower.reaches(appended.at(-1)!.position);
      await log.append("shop.order-1", [anEvent()], "any");
      await follower.reaches(await log.head());
      expect(await follower.stop()).toEqual(await stored(log, {}, true));
      expect(follower.live()).toBe(true);
    });

    it("begin after a position, and say at once when nothing is behind it", async () => {
      const log = await open();
      await log.append("shop.order-1", [anEvent(), anEvent()], "none");
      const [first] = await stored(log);
      const follower = follow(log, { after: first!.position });
      await follower.reaches(await log.head());
      expect((await follower.stop()).map(({ revision }) => revision)).toEqual([1]);

      const controller = new AbortController();
      for await (const batch of log.subscribe({ after: await log.head(), signal: controller.signal })) {
        expect(batch).toEqual({ events: [], bytes: 0, position: await log.head(), live: true });
        controller.abort();
      }
    });

    it("refuse to begin beyond the end of the log", async () => {
      const log = await open();
      const signal = new AbortController().signal;
      await refuses(
        log
          .subscribe({ after: (await log.head()) + 1n, signal })
          [Symbol.asyncIterator]()
          .next(),
        "LOG_BEHIND_CHECKPOINT",
      );
    });

    it("hand on what matches the filter, and the position of what does not", async () => {
      const log = await open();
      const types = follow(log, { after: 0n, filter: { types: ["order.paid"] } });
      const streams = follow(log, { after: 0n, filter: { streamPrefixes: ["shop.item-"] } });
      for (let i = 0; i < 30; i++) {
        await log.append("shop.order-1", [anEvent(), { ...anEvent(), type: "order.paid" }], "any");
        await log.append("shop.item-1", [anEvent()], "any");
        await log.append("shop.order-1", [anEvent()], "any");
      }
      const head = await log.head();
      await types.reaches(head);
      await streams.reaches(head);
      const all = await stored(log);
      expect(await types.stop()).toEqual(all.filter(({ type }) => type === "order.paid"));
      expect(await streams.stop()).toEqual(all.filter(({ stream }) => stream === "shop.item-1"));
      expect(types.batches()).toBeLessThanOrEqual(1 + 90);
    });

    it("let a slow consumer fall behind, and hold up nobody", async () => {
      const log = await open();
      const iterator = log.subscribe({ after: await log.head(), signal: new AbortController().signal })[Symbol.asyncIterator]();
      expect((await iterator.next()).value).toMatchObject({ live: true });
      for (let i = 0; i < 20; i++)
        await log.append(
          "shop.order-1",
          Array.from({ length: 50 }, () => anEvent()),
          "any",
        );
      const quick = follow(log, { after: 0n });
      await quick.reaches(await log.head());
      await quick.stop();
      const seen: number[] = [];
      while (seen.length < 1000) {
        const { value } = (await iterator.next()) as { readonly value: SubscriptionBatch };
        seen.push(...value.events.map(({ revision }) => revision));
      }
      expect(seen).toEqual(Array.from({ length: 1000 }, (_, i) => i));
      await iterator.return?.();
    });

    it("end without an error when their signal aborts: before the start, while they wait, and between batches", async () => {
      const log = await open();
      await log.append("shop.order-1", [anEvent()], "any");
      for await (const _ of log.subscribe({ after: 0n, signal: AbortSignal.abort() })) expect.unreachable();
      const waiting = follow(log, { after: 0n });
      await waiting.reaches(await log.head());
      await waiting.stop();
      const controller = new AbortController();
      let batches = 0;
      for await (const _ of log.subscribe({ after: 0n, signal: controller.signal })) {
        batches++;
        controller.abort();
      }
      expect(batches).toBe(1);
    });

    it("see exactly the log, begun at any moment while appends go on (property)", patient, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.oneof({ weight: 3, arbitrary: anAppend }, { weight: 1, arbitrary: fc.constantFrom("begin", "begin filtered", "pause") }), {
            maxLength: 50,
          }),
          async (steps) => {
            const { log } = await openEmpty();
            const followers: { readonly after: bigint; readonly filter?: EventFilter; readonly follower: ReturnType<typeof follow> }[] = [];
            const appends: Promise<unknown>[] = [];
            for (const step of steps) {
              if (typeof step === "object") appends.push(settle(log.append(step.stream, step.events, step.expected)));
              else if (step === "pause") await Promise.all(appends);
              else {
                const from = { after: await log.head(), ...(step === "begin" ? {} : { filter: { streamPrefixes: ["shop.order"] } }) };
                followers.push({ ...from, follower: follow(log, from) });
              }
            }
            await Promise.all(appends);
            const head = await log.head();
            for (const { after, filter, follower } of followers) {
              await follower.reaches(head);
              expect(await follower.stop()).toEqual(await stored(log, { after, ...(filter === undefined ? {} : { filter }) }, true));
            }
            await log.close();
          },
        ),
        { numRuns: 25 },
      );
    });
  });
}
