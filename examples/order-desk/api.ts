/** The few routes of docs/api that the demo needs, with the members that it reads. */

export interface Acknowledged {
  readonly events: readonly { readonly id: string; readonly position: string }[];
}

export interface HandlerAccount {
  readonly name: string;
  readonly wanted: number;
  readonly done: number;
  readonly waiting: number;
  readonly by_status: Readonly<Record<string, number>>;
  readonly lanes: Readonly<Record<"flowing" | "backing_off" | "blocked" | "paused" | "behind", number>>;
}

export interface EventSummary {
  readonly id: string;
  readonly type: string;
  readonly entity: { readonly type: string; readonly id: string };
  readonly revision: number;
  readonly source: string | null;
  readonly call_chain: readonly string[] | null;
  readonly schema_version: number;
  readonly data: unknown;
  readonly stored: { readonly type: string; readonly schema_version: number; readonly data: unknown };
  readonly deliveries: readonly { readonly delivery_id: string; readonly handler: string; readonly status: string; readonly attempts: number }[];
}

export interface DeadLetter {
  readonly id: string;
  readonly delivery_id: string;
  readonly handler: string;
  readonly entity: { readonly id: string };
  readonly event_type: string;
  readonly cause: string;
  readonly error: { readonly type: string; readonly message: string };
  readonly attempts: number;
  readonly waiting: number;
}

export interface EntityState {
  readonly entity: { readonly id: string };
  readonly handlers: readonly {
    readonly handler: string;
    readonly lane_state: string;
    readonly waiting: number;
    readonly head: {
      readonly event_id: string;
      readonly revision: number;
      readonly status: string;
      readonly error: { readonly message: string } | null;
    } | null;
  }[];
}

export interface Stats {
  readonly total: number;
  readonly waiting: number;
  readonly by_handler: readonly { readonly handler: string; readonly count: number }[];
  readonly top_errors: readonly { readonly error: string; readonly count: number }[];
}

export interface IntegrationState {
  readonly name: string;
  readonly state: "closed" | "open" | "half_open" | "isolated";
  readonly waiting: number;
}

export interface Escalation {
  readonly delivery_id: string;
  readonly handler: string;
  readonly entity: { readonly id: string };
  readonly why: string;
}

export interface Batch {
  readonly replay_id: string;
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly remaining: number;
  readonly position: string;
}

export type Api = ReturnType<typeof makeApi>;
type Query = Readonly<Record<string, string>>;

/** Speaks to the service as any client would. @throws Error with the problem's code and detail when an answer is no 2xx, or there is none. */
export function makeApi(url: string) {
  const request = async <T>(method: "GET" | "POST", path: string, query: Query, body?: unknown): Promise<T> => {
    const target = new URL(path, url);
    for (const [name, value] of Object.entries(query)) target.searchParams.set(name, value);
    const response = await fetch(target, {
      method,
      ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(40_000), // a batch answers within 30 s
    }).catch((error: unknown) => {
      throw new Error(`${method} ${path}: the service does not answer.`, { cause: error });
    });
    const answer = (await response.json()) as T & { readonly code?: string; readonly detail?: string };
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status} ${answer.code}: ${answer.detail}`);
    return answer;
  };
  const get = <T>(path: string, query: Query = {}) => request<T>("GET", path, query);
  const post = <T>(path: string, body: unknown, query: Query = {}) => request<T>("POST", path, query, body);

  return {
    append: (events: readonly unknown[]) => post<Acknowledged>("/events", { events }),
    /** @param after a position that the answer must have seen. */
    handlers: async (after?: string) => (await get<{ handlers: readonly HandlerAccount[] }>("/handlers", after === undefined ? {} : { after })).handlers,
    stats: () => get<Stats>("/admin/dlq/stats"),
    deadLetters: async () => (await get<{ events: readonly DeadLetter[] }>("/admin/dlq", { limit: "200" })).events,
    blockedLanes: async () => (await get<{ entities: readonly EntityState[] }>("/entities", { lane_state: "blocked", limit: "1000" })).entities,
    /** Every event of the log, newest first, page by page. */
    events: async () => {
      const events: EventSummary[] = [];
      for (let cursor: string | null = ""; cursor !== null; ) {
        const page: { events: readonly EventSummary[]; next_cursor: string | null } = await get("/events", {
          limit: "1000",
          ...(cursor === "" ? {} : { cursor }),
        });
        events.push(...page.events);
        cursor = page.next_cursor;
      }
      return events;
    },
    /** One order's events by revision, read from the log itself. */
    order: async (orderId: string) => (await get<{ events: readonly EventSummary[] }>(`/entities/order/${encodeURIComponent(orderId)}/events`)).events,
    replayBatch: (handler: string, reason: string) => post<Batch>("/admin/dlq/replay-batch", { reason }, { handler }),
    /** Those that wait for a decision, oldest first. */
    escalations: async () =>
      (await get<{ escalations: readonly Escalation[] }>("/admin/escalations", { status: "open", limit: "1000" })).escalations.toReversed(),
    decide: (id: string, decision: "approve" | "reject", reason: string) =>
      post<{ readonly position: string }>(`/admin/escalations/${encodeURIComponent(id)}/${decision}`, { reason }),
    integrations: async () => (await get<{ integrations: readonly IntegrationState[] }>("/integrations")).integrations,
    resetIntegration: (name: string, reason: string) => post<{ readonly position: string }>(`/integrations/${name}/reset`, { reason }),
  };
}
