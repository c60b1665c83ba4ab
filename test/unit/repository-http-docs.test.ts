/** docs/http.md says what the server says: routes, members, codes. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type ErrorCode, errorCatalog } from "../../src/errors.ts";
import { statusOfCode } from "../../src/http/problem.ts";
import { makeFakeStore } from "../support/fake-store.ts";
import { serverOver } from "../support/http.ts";
import { sections } from "../support/markdown.ts";
import { filesOf, readText } from "../support/repository-files.ts";

const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
const page = readText("docs/http.md");

/** `GET /events/{id}`, as the headings of the page have them. */
function routesOfPage(markdown: string): readonly string[] {
  return [...sections(markdown, 3).keys()].flatMap((heading) => Array.from(heading.matchAll(/`([A-Z]+ \/[^`]*)`/g), ([, route]) => route!));
}

/** Of the server; HEAD, which goes wherever GET does, apart. */
async function routesOfServer(): Promise<readonly string[]> {
  const app = serverOver(makeFakeStore());
  const found: string[] = [];
  const path: string[] = [];
  await app.ready();
  for (const line of app.printRoutes({ commonPrefix: false }).split("\n")) {
    const [, indent = "", node = "", methods = ""] = /^((?:[│ ] {3})*)[├└]── (\S*)(?: \(([A-Z, ]+)\))?/.exec(line) ?? [];
    if (node === "") continue;
    path.length = indent.length / 4;
    path.push(node);
    for (const method of methods.split(", ")) if (method !== "" && method !== "HEAD") found.push(`${method} ${path.join("").replaceAll(/:(\w+)/g, "{$1}")}`);
  }
  await app.close();
  return found;
}

/** Every name that stands in code marks. */
function namesIn(markdown: string): ReadonlySet<string> {
  // Members, and headers: a page writes these as it likes, `Last-Event-ID`.
  const words = (code: string): readonly string[] => [...(code.match(/[a-z][a-z0-9_]*/g) ?? []), ...(code.toLowerCase().match(/[a-z]+(?:-[a-z]+)+/g) ?? [])];
  return new Set(Array.from(markdown.matchAll(/`[^`]+`/g), ([code]) => words(code)).flat());
}

/** The members of every shape that the modules of the wire export; an attribute in a header has the name of the attribute. */
async function membersOfWire(): Promise<ReadonlySet<string>> {
  const members = new Set<string>();
  const walk = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    const { properties } = node as { readonly properties?: object };
    if (properties !== undefined && !Array.isArray(properties)) for (const name of Object.keys(properties)) members.add(name.replace(/^ce-/, ""));
    for (const value of Object.values(node)) walk(value);
  };
  for (const path of filesOf(/^src\/http\/wire\/.*\.ts$/)) {
    const module = (await import(/* @vite-ignore */ `../../${path}`)) as Record<string, unknown>;
    for (const value of Object.values(module))
      if (value instanceof z.ZodType) walk(z.toJSONSchema(value, { unrepresentable: "any", io: "input", reused: "inline" }));
  }
  return members;
}

describe("docs/http.md", () => {
  it("has every route of the server, and no other", async () => {
    const routes = await routesOfServer();
    expect(routes.length).toBeGreaterThan(30);
    expect(routesOfPage(page).toSorted(byText)).toEqual(routes.toSorted(byText));
  });

  it("names every member of what is sent and answered", async () => {
    const members = await membersOfWire();
    expect(members.size).toBeGreaterThan(100);
    const named = namesIn(page);
    expect([...members].filter((name) => !named.has(name))).toEqual([]);
  });

  it("has every code that HTTP answers with, under its status", () => {
    const rows = Array.from((sections(page, 2).get("Codes") ?? "").matchAll(/^\| (\d{3}) \| (.+) \|$/gm));
    const documented = rows.flatMap(([, status, codes]) => Array.from(codes!.matchAll(/`([A-Z_]+)`/g), ([, code]) => `${status} ${code}`));
    const codes = (Object.keys(errorCatalog) as ErrorCode[]).filter(reachesHttp);
    expect(documented.toSorted(byText)).toEqual(codes.map((code) => `${statusOfCode(code)} ${code}`).toSorted(byText));
  });

  it("would be told of a route, a member or a code that is missing", () => {
    expect(routesOfPage("### `GET /a`, `POST /a/{id}`\n\n## `GET /b`\n")).toEqual(["GET /a", "POST /a/{id}"]);
    expect([...namesIn("`{ replay_id, error: [{ type }] }` and not_here")]).toEqual(["replay_id", "error", "type"]);
    expect([reachesHttp("CONFIG_INVALID"), reachesHttp("FENCED"), reachesHttp("CLOSED")]).toEqual([false, false, true]);
  });
});

/** What stops the start, and what stands still inside, is told to nobody as itself. */
function reachesHttp(code: ErrorCode): boolean {
  const { kind } = errorCatalog[code];
  return kind !== "config" && (kind !== "defect" || code === "CLOSED" || code === "ARCHIVE_DAMAGED" || code === "INTERNAL");
}
