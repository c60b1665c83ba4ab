/** How a payload is made. */
export interface Plan {
  /** Members that may be left out are there. */
  readonly optional: boolean;
  readonly size: "smallest" | "usual" | "largest";
  /** Which alternative of an enum or a union. */
  readonly pick: number;
  /** Objects that take members they do not name have one. */
  readonly unlisted: boolean;
}

/** What is asked for cannot be made: a pattern that is not understood, or a schema that takes nothing. */
export class NoPayload extends Error {}
