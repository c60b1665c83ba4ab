import { equal } from "../canonical.ts";
import type { Difference } from "./difference.ts";
import type { Node } from "./node.ts";

export interface Context {
  /** Compares two places within. It is passed on here because objects, arrays and alternatives hold others of all kinds. */
  readonly compare: (before: Node, after: Node, at: string, context: Context) => readonly Difference[];
  readonly before: Node;
  readonly after: Node;
  /** Pairs of recursive places that are being compared. A pair that comes again within itself adds nothing. */
  readonly pairs: Set<string>;
  /** Pairs that may still be compared in all. Alternatives that refer to one another multiply. */
  readonly work: { left: number };
}

/** Deeply the same, references included. */
export function sameKind(from: Node, to: Node, context: Context): boolean {
  if (!equal(from, to)) return false;
  return !JSON.stringify(from).includes('"$ref"') || equal(context.before, context.after);
}
