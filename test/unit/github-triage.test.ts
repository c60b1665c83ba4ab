import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { CurrentEvent, EventInput, Json, StoredEvent } from "reprise";
import { describe, expect, it } from "vitest";
import { announceHandler, ChatRefused, makeChat } from "../../examples/github-triage/announce.ts";
import { events, upcasters, versionedTypes, versionsByRelease } from "../../examples/github-triage/catalog.ts";
import { deliveries } from "../../examples/github-triage/deliveries.ts";
import { entity, entityOf } from "../../examples/github-triage/entity.ts";
import { releases } from "../../examples/github-triage/recordings.ts";
import config from "../../examples/github-triage/reprise.config.ts";
import { type Board, triageHandler } from "../../examples/github-triage/triage.ts";
import { makeCatalog } from "../../src/catalog/make-catalog.ts";
import { checkConfig } from "../../src/config/config.ts";
import { isUuid } from "../../src/event/ids.ts";
import { entityIdPattern, entityTypePattern, streamName } from "../../src/event/names.ts";
import { makeGivenEvent } from "../support/stored-event.ts";

const catalog = makeCatalog({ events, upcasters });
const inputs = deliveries();
const stored = inputs.map(toStored);

function toStored({ id, type, schemaVersion, source, data, entity }: EventInput, index: number): StoredEvent {
  const place = { stream: streamName("default", entity), revision: index, position: BigInt(index + 1) };
  return makeGivenEvent({ id: id!, type, schemaVersion: schemaVersion!, source: source!, data: data as Json, ...place });
}

function lift(event: StoredEvent): CurrentEvent {
  const lifted = catalog.current(event);
  if (!lifted.ok) throw new Error(`${event.type} version ${event.schemaVersion} from ${event.source}: ${lifted.reason}: ${lifted.error.message}`);
  return lifted.parts[0]!;
}

describe("the recordings", () => {
  it("are all that the package holds, release by release", () => {
    const folder = dirname(createRequire(import.meta.url).resolve("@octokit/webhooks-examples/package.json"));
    const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map(({ name }) => name).sort()).toEqual([...releases].sort());
    for (const { name } of folders) {
      const types = JSON.parse(readFileSync(join(folder, name, "index.json"), "utf8")) as { examples: unknown[] }[];
      const count = types.reduce((sum, { examples }) => sum + examples.length, 0);
      expect(count).toBeGreaterThan(0);
      expect(
        inputs.filter(({ source }) => source === name),
        name,
      ).toHaveLength(count);
    }
  });

  it("become the same events each time, each with an id of its own", () => {
    expect(deliveries()).toEqual(inputs);
    const ids = inputs.map(({ id }) => id!);
    expect(ids.every(isUuid)).toBe(true);
    expect(new Set(ids).size).toBe(inputs.length);
  });

  it("are about entities with valid names", () => {
    for (const { entity } of inputs) {
      expect(entity.type).toMatch(entityTypePattern);
      expect(entity.id).toMatch(entityIdPattern);
    }
    const kinds = new Set(inputs.map(({ entity }) => entity.type));
    expect([...kinds].sort()).toEqual(["account", "advisory", "installation", "issue", "organization", "pull_request", "repository"]);
  });
});

describe("the catalog", () => {
  it("takes every payload under its version and lifts it to the newest shape, adding members and changing none", () => {
    for (const event of stored) {
      const before = structuredClone(event);
      catalog.validate(event.type, event.schemaVersion, event.data);
      const current = lift(event);
      expect(event).toEqual(before);
      expect(current.schemaVersion).toBe(catalog.describe(event.type)?.current);
      expect(current.data).toMatchObject(event.data as object);
    }
  });

  it("hands out the newest shape with nothing left to fill in", () => {
    for (const { type, schemas } of versionedTypes) {
      const newest = Object.values(schemas).at(-1)!;
      const ofType = stored.filter((event) => event.type === type);
      expect(ofType.length).toBeGreaterThan(0);
      for (const event of ofType) {
        const { data } = lift(event);
        expect(newest.parse(data)).toEqual(data);
        if (event.schemaVersion < catalog.describe(type)!.current) expect(newest.safeParse(event.data).data).not.toEqual(event.data);
      }
    }
  });

  it("has a new version of a type exactly where a release changed the recorded shape", () => {
    for (const { type } of versionedTypes) {
      const versions = versionsByRelease.get(type)!;
      const shapes = releases.map((release) => shapeOf(stored.filter((event) => event.type === type && event.source === release).map(({ data }) => data)));
      releases.slice(1).forEach((release, before) => {
        expect(versions[release] - versions[releases[before]!], `${type} in ${release}`).toBe(shapes[before + 1] === shapes[before] ? 0 : 1);
      });
      const used = new Set(stored.filter((event) => event.type === type).map(({ schemaVersion }) => schemaVersion));
      expect([...used].sort()).toEqual(catalog.describe(type)?.versions);
      expect(used.size).toBeGreaterThanOrEqual(2);
    }
  });

  it("refuses a payload that lacks what triage reads, or that is of another release", () => {
    const opened = inputs.find(({ type, source }) => type === "github.issues" && source === "ghes-31")!;
    const { title: _, ...untitled } = (opened.data as { issue: Record<string, Json> }).issue;
    expect(() => catalog.validate(opened.type, 1, { ...(opened.data as object), issue: untitled })).toThrow(/does not fit/);

    const created = inputs.find(({ type, source }) => type === "github.push" && source === "ghes-33")!;
    expect(() => catalog.validate(created.type, 1, created.data)).toThrow(/does not fit/);
  });

  it("knows that a repository which is not private is public, and no more", () => {
    const [recorded] = stored.filter(({ type, source }) => type === "github.issues" && source === "ghes-31");
    const { repository } = recorded!.data as { repository: Record<string, Json> };
    const visibilityWhen = (isPrivate: boolean) => {
      const event = { ...recorded!, data: { ...(recorded!.data as object), repository: { ...repository, private: isPrivate } } };
      return (lift(event).data as { repository: { visibility: unknown } }).repository.visibility;
    };
    expect(visibilityWhen(false)).toBe("public");
    expect(visibilityWhen(true)).toBeNull();
  });

  it("tells the two faces of a pull request by its address", () => {
    const [recorded] = stored.filter(({ type, source }) => type === "github.issue_comment" && source === "ghes-34");
    const { issue } = recorded!.data as { issue: Record<string, Json> };
    const linkAt = (html_url: string, url: string) => {
      const event = { ...recorded!, data: { ...(recorded!.data as object), issue: { ...issue, html_url, url } } };
      return (lift(event).data as { issue: { pull_request: unknown } }).issue.pull_request;
    };
    expect(linkAt("https://git.example/o/r/issues/2", "https://git.example/api/v3/repos/o/r/issues/2")).toBeNull();
    expect(linkAt("https://git.example/o/r/pull/2", "https://git.example/api/v3/repos/o/r/issues/2")).toEqual({
      html_url: "https://git.example/o/r/pull/2",
      url: "https://git.example/api/v3/repos/o/r/pulls/2",
    });
  });
});

/** Every member's path with the kinds of value seen there, over all payloads: what a schema would be written from. */
function shapeOf(payloads: readonly Json[]): string {
  const kinds = new Map<string, Set<string>>();
  const visit = (value: Json, path: string) => {
    const kind = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
    kinds.set(path, (kinds.get(path) ?? new Set()).add(kind));
    if (kind === "array") for (const item of value as readonly Json[]) visit(item, `${path}[]`);
    if (kind === "object") for (const [name, member] of Object.entries(value as object)) visit(member as Json, `${path}.${name}`);
  };
  for (const payload of payloads) visit(payload, "");
  const lines: string[] = [...kinds].map(([path, seen]) => `${path}: ${[...seen].sort().join(" | ")}`);
  return lines.sort((a, b) => (a < b ? -1 : 1)).join("\n");
}

describe("entityOf", () => {
  it.each([
    ["a repository, whatever the case of its name", { repository: { full_name: "Octo/Hello-World" } }, { type: "repository", id: "octo/hello-world" }],
    ["an issue", { repository: { full_name: "octo/hello" }, issue: { number: 2 } }, { type: "issue", id: "octo/hello#2" }],
    ["a pull request", { repository: { full_name: "octo/hello" }, pull_request: { number: 2 } }, { type: "pull_request", id: "octo/hello#2" }],
    [
      "the issue of a pull request",
      { repository: { full_name: "octo/hello" }, issue: { number: 2, pull_request: {} } },
      { type: "pull_request", id: "octo/hello#2" },
    ],
    ["an organization before who did it", { sender: { login: "mona" }, organization: { login: "octo-org" } }, { type: "organization", id: "octo-org" }],
    ["an installation by its number", { sender: { login: "mona" }, installation: { id: 5 } }, { type: "installation", id: "5" }],
    ["who did it, when nothing else is named", { repository: null, sender: { login: "mona" } }, { type: "account", id: "mona" }],
    ["nothing at all", {}, { type: "github", id: "unknown" }],
  ])("finds %s", (_, payload, expected) => {
    expect(entityOf(payload)).toEqual(expected);
  });

  it("spells names that no entity may have, each in its own way", () => {
    const names = ["dependabot[bot]", "dependabot~5b~bot", "o/a..b", "o/a...b", ".github", "_~2e~github", "-", "_-", "ä..", "ß"];
    const ids = names.map((name) => entity("repository", name).id);
    for (const id of ids) expect(id).toMatch(entityIdPattern);
    expect(new Set(ids).size).toBe(names.length);
  });
});

describe("the handlers", () => {
  const context = { deliveryId: "6f0c2f0e-0000-5000-8000-000000000000" };
  const handle = (handler: ReturnType<typeof triageHandler>, event: CurrentEvent) => {
    if (handler.kind !== "function") throw new Error("expected a function handler");
    const handlers = handler.on as Record<string, ((event: CurrentEvent, context: object) => unknown) | undefined>;
    return handlers[event.type]?.(event, context);
  };

  it("fit the catalog", () => {
    expect(checkConfig(config).handlers.map(({ name, types }) => [name, types.length])).toEqual([
      ["triage", versionedTypes.length],
      ["announce", events.length],
    ]);
  });

  it("triage keeps one card for each entity, told by deliveries of all releases", () => {
    const board: Board = new Map();
    const triage = triageHandler(board);
    for (const event of stored) handle(triage, lift(event));

    const wanted = new Set<string>(versionedTypes.map(({ type }) => type));
    const entities = new Set(stored.filter(({ type }) => wanted.has(type)).map(({ entity }) => `${entity.type}/${entity.id}`));
    expect(new Set(board.keys())).toEqual(entities);
    for (const [key, card] of board) expect(key.startsWith(`${card.kind}/`), key).toBe(true);
    expect(board.get("issue/codertocat/hello-world#1")).toMatchObject({ title: "Spelling error in the README file", state: "open", needs: null });
    expect(board.get("repository/codertocat/hello-world")).toMatchObject({ visibility: "public", lastRelease: "0.0.1" });
  });

  it("triage keeps what a delivery does not tell, and repeats change nothing", () => {
    const ofIssue = stored.filter(({ type }) => type === "github.issues").map(lift);
    const labeled = ofIssue.find(({ data }) => (data as { action: string }).action === "labeled")!;
    const pinned = ofIssue.find(({ data }) => (data as { action: string }).action === "pinned")!;
    const board: Board = new Map();
    const triage = triageHandler(board);
    handle(triage, labeled);
    const before = board.get("issue/codertocat/hello-world#1");
    handle(triage, { ...pinned, entity: labeled.entity });
    handle(triage, { ...pinned, entity: labeled.entity });
    const after = board.get("issue/codertocat/hello-world#1");
    expect((pinned.data as { issue: { state: unknown } }).issue.state).toBeNull();
    expect(after).toMatchObject({ state: "open", labels: before?.kind === "issue" ? before.labels : [] });
  });

  it("announce fails as long as the chat is broken, for the chosen lines only", () => {
    const chat = makeChat();
    const announce = announceHandler(chat);
    const [first, second] = stored.map(lift);
    chat.breakFor(({ about }) => about.entity.id === first!.entity.id && about.type === first!.type);
    expect(() => handle(announce, first!)).toThrow(ChatRefused);
    handle(announce, second!);
    chat.repair();
    handle(announce, first!);
    expect(chat.posted.map(({ about }) => about.type)).toEqual([second!.type, first!.type]);
  });
});
