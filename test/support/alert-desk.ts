/** Alerts on a log in memory and a clock that the test moves; what they look at is the test's. */
import type { AlertDefinition } from "../../src/alerts/alert-definition.ts";
import type { PostFailure } from "../../src/alerts/alert-post.ts";
import { type AlertsOptions, makeAlerts } from "../../src/alerts/alerts.ts";
import { makeAlertSpecs } from "../../src/config/make-alert.ts";
import type { ShownIntegration } from "../../src/delivery/integrations/integrations.ts";
import type { Condition } from "../../src/delivery/ownership/condition.ts";
import { newId } from "../../src/event/ids.ts";
import { openMemoryLog } from "../../src/log/memory/open-memory-log.ts";
import type { DeadLetterFilter } from "../../src/views/model/dead-letter.ts";
import { type FakeClock, makeFakeClock } from "./fake-clock.ts";

export type AlertOfTest = Omit<AlertDefinition, "url" | "secret">;

export interface Told {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly subject: string | null;
  readonly value: number;
  readonly body: { readonly type: string; readonly time: string; readonly data: Readonly<Record<string, unknown>> };
}

/** What there is to be measured. */
export interface World {
  /** When each dead letter came to be, milliseconds since 1970, by handler. */
  letters: { readonly atMs: number; readonly handler: string; readonly tenant: string }[];
  /** When each open escalation is due. */
  dueMs: readonly { readonly atMs: number; readonly handler: string }[];
  lagSeconds: Record<string, number>;
  conditions: Record<string, Condition["state"]>;
  /** Handlers of which a partition stands still at another instance. */
  stoppedElsewhere: readonly string[];
  /** Handlers that another instance has in its config. */
  elsewhere: readonly string[];
  /** Handlers of which a partition is handed over. */
  handedOver: readonly string[];
  breakers: Record<string, ShownIntegration["state"]>;
  logTrouble: string | null;
  /** The views are still being filled. */
  behind: boolean;
}

export const secret = `whsec_${Buffer.alloc(32, 1).toString("base64")}`;
export const target = { url: "http://127.0.0.1:1/alerts", secret };

export function makeAlertDesk({ clock = makeFakeClock(), viewsFile = ":memory:" }: { readonly clock?: FakeClock; readonly viewsFile?: string } = {}) {
  const log = openMemoryLog({ clock });
  const world: World = {
    ...{
      letters: [],
      dueMs: [],
      lagSeconds: { charge: 0, mail: 0 },
      conditions: { charge: "running", mail: "running" },
      breakers: { bank: "closed", smtp: "closed" },
    },
    ...{ logTrouble: null, behind: false, stoppedElsewhere: [], handedOver: [], elsewhere: [] },
  };
  const told: Told[] = [];
  const sent: string[] = [];
  let answer: (body: Told) => PostFailure | Promise<PostFailure> = () => null;
  const matching = ({ tenant, handler, sinceMs = 0 }: DeadLetterFilter) =>
    world.letters.filter((letter) => (tenant === "*" || letter.tenant === tenant) && (handler ?? letter.handler) === letter.handler && letter.atMs >= sinceMs);
  const options = {
    ...{ clock, newId, viewsFile, handlers: ["charge", "mail"] },
    log: Object.assign(Object.create(log), { trouble: () => world.logTrouble }),
    logger: { info() {}, warn() {}, error() {} },
    views: {
      waitFor: async () => {
        if (world.behind) throw new Error("VIEW_BEHIND");
      },
      deadLetters: async (filter: DeadLetterFilter) => ({ events: [], total: matching(filter).length, nextCursor: null }),
      oldestLetterAt: async (filter: DeadLetterFilter) => {
        const oldest = Math.min(...matching(filter).map(({ atMs }) => atMs));
        return oldest === Number.POSITIVE_INFINITY ? null : new Date(oldest).toISOString();
      },
      dueEscalations: async (tenant: string, at: string) => (tenant === "*" ? world.dueMs.filter(({ atMs }) => atMs <= Date.parse(at)) : []),
      handlers: async () => Object.entries(world.lagSeconds).map(([name, lagSeconds]) => ({ name, lagSeconds })),
    },
    delivery: {
      condition: (name: string) => ({ state: world.conditions[name] ?? "absent", fault: null }),
      shownCondition: (name: string) => ({ state: world.stoppedElsewhere.includes(name) ? "stopped" : (world.conditions[name] ?? "absent"), fault: null }),
      instanceWith: (name: string) => (world.elsewhere.includes(name) ? "web-2.00c0ffee" : null),
      isAllKnown: (name: string) => !world.handedOver.includes(name),
      integrations: {
        all: () => Object.entries(world.breakers).map(([name, state]) => ({ name, state, handlers: [name === "bank" ? "charge" : "mail"] })),
      },
    },
    postOf: (name: string) => ({
      async send(id: string, text: string) {
        const body = JSON.parse(text) as Told["body"];
        const { status, value, handler, integration } = body.data as { status: string; value: number; handler: string | null; integration: string | null };
        const notice = { id, name, status, subject: handler ?? integration, value, body };
        sent.push(id);
        const failure = await answer(notice);
        if (failure === null) told.push(notice);
        return failure;
      },
      close: async () => {},
    }),
  } as unknown as Omit<AlertsOptions, "specs">;

  return {
    clock,
    log,
    world,
    /** What the receiver has. */
    told,
    /** Ids of all posts. */
    sent,
    /** How the receiver answers from now on; null: it has it. */
    answer(next: typeof answer) {
      answer = next;
    },
    /** A process with these alerts, started. */
    start(...definitions: AlertOfTest[]) {
      const known = { handlers: ["charge", "mail"], integrations: ["bank", "smtp"] };
      const specs = makeAlertSpecs(
        definitions.map((definition) => ({ ...target, ...definition })),
        known,
      );
      const alerts = makeAlerts({ ...options, specs });
      alerts.start();
      return alerts;
    },
    letters(count: number, { handler = "charge", tenant = "default", ageMs = 0 } = {}) {
      world.letters = [...world.letters, ...Array.from({ length: count }, () => ({ atMs: clock.now() - ageMs, handler, tenant }))];
    },
    /** As one line each: `dead-letters fired 3`. */
    lines: () => told.map(({ name, status, subject, value }) => [name, status, ...(subject === null ? [] : [subject]), value].join(" ")),
  };
}
