import { messageOf, typeOf } from "../../event/thrown.ts";
import { withoutValues } from "../../event/without-payload.ts";
import type { FailureText } from "../catalog.ts";

/** Describes what was thrown, which may be anything. Only an Error's own words are kept. Values are not, and none of the data. */
export function describeThrown(error: unknown, ...data: readonly unknown[]): FailureText {
  const isObject = (typeof error === "object" && error !== null) || typeof error === "function";
  if (!isObject) return { type: "Error", message: `threw a value of type ${error === null ? "null" : typeof error}, not an Error` };
  const type = typeOf(error);
  return {
    type: withoutValues(type, ...data) === type ? type.slice(0, maxTypeLength) : "Error",
    message: messageOf(error, (message) => withoutValues(message, ...data)),
  };
}

const maxTypeLength = 200;

export function clip(message: string): string {
  return message.length <= 500 ? message : `${message.slice(0, 499)}…`;
}
