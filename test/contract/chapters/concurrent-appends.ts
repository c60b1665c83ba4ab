import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Chapter } from "../chapter.ts";
import { anAppend, makeModel } from "../event-log-model.ts";
import { anEvent, answerOf, settle, stored } from "../log-events.ts";

export function describeConcurrentAppends({ open, patient, openEmpty }: Chapter): void {
  describe("appends at the same time", () => {
    it("with the same expected revision: one of them wins, and appends to other streams are stored", async () => {
      const log = await open();
      const rivals = Array.from({ length: 20 }, () => settle(log.append("shop.order-1", [anEvent()], "none")));
      const others = Array.from({ length: 20 }, (_, i) => log.append(`shop.item-${i}`, [anEvent()], "none"));
      const answers = await Promise.all(rivals);
      expect(answers.filter((answer) => answer !== "REVISION_CONFLICT")).toHaveLength(1);
      await Promise.all(others);
      expect(await stored(log)).toHaveLength(21);
    });

    it("store an event once when it is sent many times at once", async () => {
      const log = await open();
      const event = anEvent();
      const answers = await Promise.all(Array.from({ length: 10 }, () => log.append("shop.order-1", [event], "any")));
      expect(answers.filter(([answer]) => !answer!.duplicate)).toHaveLength(1);
      expect(new Set(answers.map(([answer]) => answer!.position)).size).toBe(1);
      expect(await stored(log)).toHaveLength(1);
    });

    it("are each all or none, with no hole in any stream (property)", patient, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(anAppend, { maxLength: 30 }), async (appends) => {
          const { log } = await openEmpty();
          const answers = await Promise.all(appends.map(({ stream, events, expected }) => settle(log.append(stream, events, expected))));
          const entries = await stored(log);
          await log.close();
          const acknowledged = answers.flatMap((answer) => (Array.isArray(answer) ? answer.filter(({ duplicate }) => !duplicate) : []));
          expect(entries.map(({ id, stream }) => [id, stream]).toSorted()).toEqual(
            appends
              .flatMap(({ stream }, i) =>
                typeof answers[i] === "string" ? [] : answers[i]!.filter(({ duplicate }) => !duplicate).map(({ id }) => [id, stream]),
              )
              .toSorted(),
          );
          for (const { id, revision, position } of acknowledged)
            expect(entries.some((entry) => entry.id === id && entry.revision === revision && entry.position <= position)).toBe(true);
          for (const stream of new Set(entries.map((entry) => entry.stream)))
            expect(entries.filter((entry) => entry.stream === stream).map(({ revision }, i) => revision - i)).toEqual(
              entries.filter((entry) => entry.stream === stream).map(() => 0),
            );
        }),
        { numRuns: 25 },
      );
    });
  });

  it("is what the model says after any appends, one after another (property)", patient, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anAppend, { maxLength: 30 }), async (appends) => {
        const { log, reopen } = await openEmpty();
        const model = makeModel();
        const half = Math.floor(appends.length / 2);
        let opened = log;
        for (const [i, append] of appends.entries()) {
          if (i === half) {
            await opened.close();
            opened = await reopen();
          }
          expect(await answerOf(opened, append)).toEqual(model.append(append));
        }
        const seen = (await stored(opened)).map(({ stream, revision, id, data }) => ({ stream, revision, id, data }));
        await opened.close();
        expect(seen).toEqual(model.log.map(({ stream, revision, event }) => ({ stream, revision, id: event.id, data: event.data })));
      }),
      { numRuns: 25 },
    );
  });
}
