import { expect, it } from "vitest";
import type { Session } from "../../src/cli/command.ts";
import { exit, Failure } from "../../src/cli/exit.ts";
import { patiently } from "../../src/cli/patiently.ts";
import { makeFakeClock } from "../support/fake-clock.ts";

function asking(answers: (string | Failure)[], isKnown = true) {
  let text = "";
  const session = { terminal: { err: (more: string) => void (text += more), interactive: false }, quiet: false, output: "table" } as unknown as Session;
  const clock = makeFakeClock();
  const ask = async () => {
    const next = answers.length > 1 ? answers.shift()! : answers[0]!;
    if (next instanceof Failure) throw next;
    return next;
  };
  const look = patiently(session, { ask, isKnown, meanwhile: "It goes on.", later: "Look later.", passing: ["NOT_FOUND"] }, clock);
  return { look, clock, said: () => text };
}

const away = new Failure(exit.unreachable, "ECONNREFUSED");
const unknown = new Failure(exit.failed, "There is no such run.", { code: "NOT_FOUND" });

it("asks again while a service is started anew, or an instance does not know of it yet, and tells only of the first", async () => {
  const { look, said } = asking([away, away, unknown, "there"]);
  expect([await look(), await look(), await look(), await look()]).toEqual([null, null, null, "there"]);
  expect(said()).toBe("The service does not answer; asking again for 40 s. It goes on.\n");
});

it.each([away, unknown])("gives up after 40 s (%s)", async (failure) => {
  const { look, clock } = asking([failure]);
  expect(await look()).toBeNull();
  await clock.advance(39_000);
  expect(await look()).toBeNull();
  await clock.advance(1000);
  await expect(look()).rejects.toMatchObject({ message: `${failure.message}\nLook later.`, exitCode: failure.exitCode });
});

it("does not wait for what was never there, nor for a service that says no", async () => {
  await expect(asking([away], false).look()).rejects.toThrow("ECONNREFUSED");
  await expect(asking([new Failure(exit.refused, "KEY_INVALID", { code: "KEY_INVALID" })]).look()).rejects.toThrow("KEY_INVALID");
});
