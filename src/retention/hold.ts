/** Why an event that is old enough stays in the log. */

export const holdKinds = [
  "dead_letter",
  "escalation",
  "paused_lane",
  "paused_handler",
  "absent_handler",
  "waiting_handler",
  "open_plan",
  "open_replay",
  "damaged",
  "earlier_event",
] as const;

export interface Hold {
  readonly kind: (typeof holdKinds)[number];
  /** The handler, plan or replay; null for what has no name. */
  readonly name: string | null;
}

const texts: Readonly<Record<Hold["kind"], (name: string) => string>> = {
  dead_letter: (name) => `dead letter of ${name}`,
  escalation: (name) => `escalation of ${name}`,
  paused_lane: (name) => `paused lane of ${name}`,
  paused_handler: (name) => `paused handler ${name}`,
  absent_handler: (name) => `absent handler ${name}`,
  waiting_handler: (name) => `handler ${name} is not that far`,
  open_plan: (name) => `open plan ${name}`,
  open_replay: (name) => `replay ${name}`,
  damaged: () => "damaged in the log",
  earlier_event: () => "an earlier event of the entity",
};

export function holdText({ kind, name }: Hold): string {
  return texts[kind](name ?? "");
}
