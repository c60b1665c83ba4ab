/** What the receiver of an alert gets: one CloudEvent. Nothing of any event's data is in it. */
import type { AlertNotice } from "../records/alert.ts";
import type { AlertKind } from "./alert-definition.ts";
import { type AlertSpec, isLasting } from "./alert-spec.ts";

interface Words {
  /** A sentence. */
  readonly summary: (spec: AlertSpec, notice: AlertNotice) => string;
  /** What to type next. */
  readonly next: (spec: AlertSpec, notice: AlertNotice) => string;
  /** What a subject is; null: there is none. */
  readonly about: "handler" | "integration" | null;
}

const limitedTo = ({ handler, tenant }: AlertSpec): string =>
  `${handler === null ? "" : ` of handler ${handler}`}${tenant === null ? "" : ` of tenant ${tenant}`}`;
/** A command that is narrowed to what the alert is about. */
const narrowed = (command: string, { handler, tenant }: AlertSpec): string =>
  [command, ...(handler === null ? [] : ["--handler", handler]), ...(tenant === null ? [] : ["--tenant", tenant])].join(" ");
const showLetters = (spec: AlertSpec): string => narrowed("reprise dlq ls", spec);

const words: Readonly<Record<AlertKind, Words>> = {
  dead_letters: {
    about: null,
    summary: (spec, { value }) => `${counted(value, "dead letter")}${limitedTo(spec)}; the limit is ${spec.over}.`,
    next: (spec) => narrowed("reprise dlq stats", spec),
  },
  dead_letter_rate: {
    about: null,
    summary: (spec, { value }) => `${counted(value, "dead letter")}${limitedTo(spec)} within ${spec.withinMs / 1000} s; the limit is ${spec.over}.`,
    next: showLetters,
  },
  oldest_dead_letter: {
    about: null,
    summary: (spec, { value }) => `The oldest dead letter${limitedTo(spec)} has waited for ${value} s; the limit is ${spec.over} s.`,
    next: showLetters,
  },
  escalation_due: {
    about: null,
    summary: (spec, { value, status }) =>
      status === "fired"
        ? `${counted(value, "decision")}${limitedTo(spec)} ${value === 1 ? "is" : "are"} due${spec.over === 0 ? "" : ` for more than ${spec.over} s`}.`
        : `No decision${limitedTo(spec)} is due.`,
    next: (spec) => narrowed("reprise escalations ls", spec),
  },
  lag: {
    about: "handler",
    summary: ({ over }, { subject, value }) => `Handler ${subject} is ${value} s behind; the limit is ${over} s.`,
    next: () => "reprise handlers ls",
  },
  handler_stopped: {
    about: "handler",
    summary: (_, { subject, status }) => (status === "fired" ? `Handler ${subject} stands still.` : `Handler ${subject} works again.`),
    next: () => "reprise handlers ls",
  },
  breaker_open: {
    about: "integration",
    summary: (_, { subject, status }) =>
      status === "fired" ? `Integration ${subject} is down: its handlers wait.` : `Integration ${subject} is back: its handlers go on.`,
    next: () => "reprise integrations ls",
  },
  log_down: {
    about: null,
    summary: (_, { status }) =>
      status === "fired" ? "The log takes no appends: nothing is acknowledged, delivered or recorded until it does." : "The log takes appends again.",
    next: () => "reprise status",
  },
};

/** The body of the post, the same each time that it is sent. */
export function textOf(spec: AlertSpec, notice: AlertNotice): string {
  const { about, summary, next } = words[spec.when];
  const { id, status, subject, value, at, since } = notice;
  return JSON.stringify({
    specversion: "1.0",
    id,
    type: "com.reprise.alert",
    source: "reprise",
    subject: spec.name,
    time: at,
    datacontenttype: "application/json",
    data: {
      alert: spec.name,
      when: spec.when,
      status,
      handler: about === "handler" ? subject : spec.handler,
      integration: about === "integration" ? subject : null,
      tenant: spec.tenant,
      value,
      over: spec.over,
      unit: unitOf(spec.when),
      fired_at: since,
      resolved_at: status === "resolved" ? at : null,
      summary: summary(spec, notice),
      next: next(spec, notice),
    },
  });
}

function unitOf(when: AlertKind): "dead_letters" | "escalations" | "seconds" {
  if (when === "escalation_due") return "escalations";
  return isLasting(when) || when === "oldest_dead_letter" || when === "lag" ? "seconds" : "dead_letters";
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;
