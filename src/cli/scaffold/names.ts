import { eventTypePattern } from "../../event/names.ts";
import { usage } from "../exit.ts";

/** Words that no variable may be called, and what the files themselves call something. */
const taken = new Set(
  `abstract arguments as async await break case catch class const continue debugger default defineEvent defineUpcasters delete do else enum eval events export extends false
  finally for function if implements import in instanceof interface let new null of package private protected public return static super switch this throw true try type
  typeof undefined upcasters Upcaster var void while with yield z`.split(/\s+/),
);

/** The event type that was typed. @throws exit 2 for what is no name of one. */
export function eventType(text: string): string {
  if (eventTypePattern.test(text) && !text.includes("..") && !text.endsWith(".")) return text;
  throw usage(
    `${JSON.stringify(text)} is no event type: write a name in the past tense, as in order.shipped. It begins with a letter; letters, digits, dots, - and _ follow, 128 characters at most.`,
  );
}

/** What the files call an event type: `order.placed` is `orderPlaced`. */
export function identifierOf(type: string): string {
  const words = type.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  const name = words.map((word, index) => (index === 0 ? word[0]!.toLowerCase() : word[0]!.toUpperCase()) + word.slice(1)).join("");
  return taken.has(name) || /^v\d+(ToV\d+)?$/.test(name) ? `${name}Event` : name;
}
