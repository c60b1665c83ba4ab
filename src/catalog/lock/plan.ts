/** How a payload is made. */
export interface Plan {
  /** Members that may be left out are there. */
  readonly optional: boolean;
  readonly size: "smallest" | "usual" | "largest";
  /** Which alternative of an enum or a union. */
  readonly pick: number;
  /** Whether an object gets a member that its schema does not list, when it accepts such members. */
  readonly unlisted: boolean;
}

/** The payload cannot be made: its pattern is not understood, or its schema accepts nothing. */
export class NoPayload extends Error {}
