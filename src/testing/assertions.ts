/** Assertions that say what there is in place of what was expected. They throw node:assert's AssertionError, which every test runner shows. */
import { AssertionError } from "node:assert";
import type { Entity } from "../event/event.ts";
import type { DeadLetterView } from "../views/model/dead-letter.ts";
import type { ShownLaneState } from "../views/model/entity.ts";
import type { TestLane } from "./queries.ts";

/** What a dead letter is expected to be. What is left out may be anything. */
export interface ExpectedLetter {
  readonly handler?: string;
  readonly entity?: Entity;
  readonly eventType?: string;
  readonly cause?: DeadLetterView["cause"];
  /** Of the error's message: a part of it, or a pattern. */
  readonly message?: string | RegExp;
  /** The error's class. */
  readonly errorType?: string;
}

/** The one dead letter that is as expected. @throws AssertionError when there is none, or more than one. */
export function theLetter(letters: readonly DeadLetterView[], expected: ExpectedLetter): DeadLetterView {
  const found = letters.filter((letter) => isAsExpected(letter, expected));
  if (found.length === 1) return found[0]!;
  const what = found.length === 0 ? "No dead letter is" : `${found.length} dead letters are`;
  throw failed(`${what} ${shown(expected)}. ${lettersText(letters)}`, letters, expected, theLetter);
}

/** @throws AssertionError when the lane is in another state, or there is none. */
export function mustBe(lanes: readonly TestLane[], handler: string, { type, id }: Entity, state: ShownLaneState): TestLane {
  const lane = lanes.find((one) => one.handler === handler && one.entity.type === type && one.entity.id === id);
  const what = `The lane of ${handler} for ${type}/${id}`;
  if (lane === undefined) throw failed(`${what} is not there: the handler wants no event of it. ${lanesText(lanes)}`, undefined, state, mustBe);
  if (lane.laneState === state) return lane;
  throw failed(`${what} is ${lane.laneState}, not ${state}${lane.why === null ? "" : `: ${lane.why}`}.`, lane.laneState, state, mustBe);
}

/** @throws AssertionError that names every lane in which something waits. */
export function mustBeDone(lanes: readonly TestLane[]): void {
  const waiting = lanes.filter((lane) => lane.waiting > 0);
  if (waiting.length > 0) throw failed(`Not every event is done. ${lanesText(waiting)}`, waiting, [], mustBeDone);
}

function isAsExpected(letter: DeadLetterView, { handler, entity, eventType, cause, message, errorType }: ExpectedLetter): boolean {
  return (
    (handler === undefined || letter.handler === handler) &&
    (entity === undefined || (letter.entity.type === entity.type && letter.entity.id === entity.id)) &&
    (eventType === undefined || letter.eventType === eventType) &&
    (cause === undefined || letter.cause === cause) &&
    (errorType === undefined || letter.error.type === errorType) &&
    (message === undefined || (typeof message === "string" ? letter.error.message.includes(message) : letter.error.message.search(message) >= 0))
  );
}

function lettersText(letters: readonly DeadLetterView[]): string {
  if (letters.length === 0) return "There is no dead letter.";
  return `There are:\n${letters.map(({ handler, entity, eventType, cause, error }) => `  ${handler} ${entity.type}/${entity.id} ${eventType} (${cause}) ${error.type}: ${error.message}`).join("\n")}`;
}

function lanesText(lanes: readonly TestLane[]): string {
  if (lanes.length === 0) return "There is no lane.";
  const text = ({ handler, entity, laneState, waiting, why, head }: TestLane) =>
    `  ${handler} ${entity.type}/${entity.id} ${laneState}, ${waiting} waiting${why === null ? "" : `, ${why}`}${head?.error ? `, ${head.error.type}: ${head.error.message}` : ""}`;
  return `There are:\n${lanes.map(text).join("\n")}`;
}

function shown(expected: ExpectedLetter): string {
  const parts = Object.entries(expected).map(([name, value]) => `${name} ${value instanceof RegExp ? String(value) : JSON.stringify(value)}`);
  return parts.length === 0 ? "there" : `of ${parts.join(", ")}`;
}

function failed(message: string, actual: unknown, expected: unknown, stackStartFn: (...args: never[]) => unknown): AssertionError {
  return new AssertionError({ message, actual, expected, operator: "reprise", stackStartFn: stackStartFn as () => void });
}
