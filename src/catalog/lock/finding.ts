/** What `schema check` finds, each with the rule that was broken. Rule ids are stable: scripts and people refer to them. */

export const rules = {
  "config-does-not-load": "The config has to load before anything can be checked.",
  "config-invalid": "Event types and steps have to fit together.",
  "chain-gap": "Every version but the newest has a step to the next.",
  "type-disappeared": "An event type never disappears: its events stay in the log.",
  "version-disappeared": "A version that was published stays: its events stay in the log.",
  "former-name-disappeared": "A former name belongs to its event type for ever.",
  "published-version-changed": "A published version never changes.",
  "check-edited": "A check that JSON Schema does not show changes only on purpose.",
  "step-result-changed": "The result of a step for a recorded sample never changes unnoticed.",
  "step-edited": "A step changes only on purpose.",
  "step-not-pure": "A step always gives the same result for the same payload.",
  "schema-not-pure": "A schema always and everywhere gives the same answer for the same payload.",
  "downcast-changed": "What is stored for an event never changes unnoticed.",
  "downcast-edited": "A downcast changes only on purpose.",
  "zod-reworded": "A schema that another zod words differently is not a changed schema.",
  "sample-changed": "A recorded sample stays as it is.",
  "sample-disappeared": "A recorded sample stays.",
  "sample-refused": "A real payload fits its version, and every step takes it.",
  "lock-missing": "What is published is recorded in a lock file.",
  "lock-unreadable": "The lock file is written by `reprise schema lock` only.",
  "lock-edited": "The lock file is written by `reprise schema lock` only.",
  "not-locked": "What is published is recorded in the lock file.",
} as const;

export type Rule = keyof typeof rules;

export interface Finding {
  readonly rule: Rule;
  readonly type: string | null;
  /** The version of the schema, or the version that the step starts from. */
  readonly version: number | null;
  /** What was found, in one sentence. */
  readonly message: string;
  /** The difference, a line each. */
  readonly details: readonly string[];
  /** What to do, for someone who sees this for the first time. */
  readonly remedy: string;
}

const additions: ReadonlySet<Rule> = new Set<Rule>(["not-locked", "lock-missing", "step-edited", "check-edited", "downcast-edited", "zod-reworded"]);

/** Whether the next `schema lock` records it without a flag: something new, or rewritten code that gives the same result for every sample. */
export function isAddition({ rule }: Finding): boolean {
  return additions.has(rule);
}

/** A finding as people read it. */
export function findingText({ rule, type, version, message, details, remedy }: Finding): string {
  const where = type === null ? "" : ` ${type}${version === null ? "" : ` version ${version}`}`;
  const body = [message, ...details.map((line) => `  ${line}`), `→ ${remedy}`];
  return `${rule}${where}\n${body.map((line) => `  ${line}\n`).join("")}`;
}
