/** The console's page and its session: how it is served, who may act with it, and how it ends. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import type { FastifyInstance, InjectOptions } from "fastify";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { createKey, finishRotation, revokeKey, rotateKey } from "../../src/access/edit-key-file.ts";
import { openKeys } from "../../src/access/keys.ts";
import type { Role } from "../../src/access/roles.ts";
import { encodingFor } from "../../src/http/console/files.ts";
import { maxOfKey } from "../../src/http/console/sessions.ts";
import { type FakeClock, makeFakeClock } from "../support/fake-clock.ts";
import { makeFakeStore } from "../support/fake-store.ts";
import { expectProblem, makeDescribedServer, serverOver, silent } from "../support/http.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startStore } from "../support/test-store.ts";

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'";
const ownPage = { "sec-fetch-site": "same-origin" };

/** The references of the page, as `console/scripts/main-….js`. */
const referencesIn = (html: string): readonly string[] => Array.from(html.matchAll(/(?:href|src)="([^"]+)"/g), ([, reference]) => reference!);

describe("the console's page", () => {
  it("comes with the policy word for word, runs nothing that is not a file of its own, and asks for nothing from elsewhere", async () => {
    const app = serverOver(makeFakeStore());
    const page = await app.inject("/console");
    expect(page.statusCode).toBe(200);
    expect(page.headers).toMatchObject({
      ...{ "content-security-policy": policy, "content-type": "text/html; charset=utf-8", "cache-control": "no-cache", "x-content-type-options": "nosniff" },
      ...{ "referrer-policy": "no-referrer", "x-frame-options": "DENY", "cross-origin-opener-policy": "same-origin" },
    });
    expect(page.body).not.toMatch(/<script(?![^>]*src=)|<style|style=|\son\w+=|https?:/);
    const references = referencesIn(page.body);
    expect(references.map((each) => each.replace(/-[\w-]{6,}\./, "-….").replace(/^console\//, ""))).toEqual(
      expect.arrayContaining(["images/icon-….svg", "styles/style-….css", "scripts/main-….js"]),
    );
    for (const reference of references) {
      const file = await app.inject(`/${reference}`);
      expect([reference, file.statusCode, file.headers["cache-control"]]).toEqual([reference, 200, "public, max-age=31536000, immutable"]);
      expect(file.headers["x-content-type-options"]).toBe("nosniff");
      if (!reference.endsWith(".svg")) expect(file.body).not.toMatch(/\b(?:src|href|url)\s*[=(:]\s*["']?(?:https?:)?\/\/|innerHTML\s*=\s*[^=]*https?:/);
    }
    expectProblem(await app.inject("/console/scripts/none.js"), 404, "NOT_FOUND");
    expectProblem(await app.inject("/console/scripts/..%2findex.html"), 404, "NOT_FOUND");
    expectProblem(await app.inject("/console?x=1"), 400, "REQUEST_INVALID");
  });

  it("is sent compressed to who takes it, each encoding under a tag of its own, and not again to who has it", async () => {
    const app = serverOver(makeFakeStore());
    const script = referencesIn((await app.inject("/console")).body).find((each) => each.endsWith(".js"))!;
    const get = (headers: Record<string, string>) => app.inject({ url: `/${script}`, headers });
    const [plain, gzip, br] = [await get({}), await get({ "accept-encoding": "gzip" }), await get({ "accept-encoding": "gzip, deflate, br" })];
    expect([plain, gzip, br].map(({ headers }) => headers["content-encoding"])).toEqual([undefined, "gzip", "br"]);
    expect(gunzipSync(gzip.rawPayload)).toEqual(plain.rawPayload);
    expect(brotliDecompressSync(br.rawPayload)).toEqual(plain.rawPayload);
    expect(new Set([plain, gzip, br].map(({ headers }) => headers.etag)).size).toBe(3);
    expect([plain.headers.vary, br.headers.vary]).toEqual(["Accept-Encoding", "Accept-Encoding"]);
    const again = await get({ "accept-encoding": "br", "if-none-match": `"other", W/${br.headers.etag}` });
    expect([again.statusCode, again.body, again.headers.etag]).toEqual([304, "", br.headers.etag]);
  });

  it("is chosen by what a client takes", () => {
    expect([undefined, "", "*", "gzip;q=0", "br;q=0, gzip;q=0.5", "GZIP", "br"].map(encodingFor)).toEqual([
      ...["identity", "identity", "identity", "identity", "gzip", "gzip", "br"],
    ]);
  });

  it("keeps within 60 KB of script and 12 KB of style, compressed", async () => {
    const app = serverOver(makeFakeStore());
    const bytesOf = async (ending: string) => {
      const [file] = referencesIn((await app.inject("/console")).body).filter((each) => each.endsWith(ending));
      return (await app.inject({ url: `/${file}`, headers: { "accept-encoding": "gzip" } })).rawPayload.length;
    };
    expect(await bytesOf(".js")).toBeLessThan(60 * 1024);
    expect(await bytesOf(".css")).toBeLessThan(12 * 1024);
  });
});

describe("the console's session", () => {
  let path: string;
  let clock: FakeClock;
  let app: FastifyInstance;
  const editing = () => ({ path, nowMs: clock.now(), random: (count: number) => crypto.getRandomValues(new Uint8Array(count)) });
  const key = (name: string, role: Role = "operate", tenant = "default", expiresAtMs: number | null = null) =>
    createKey(editing(), { name, role, tenant, expiresAtMs, limit: { per_second: 100_000, burst: 1_000_000 }, sources: null });

  function open(): void {
    const keys = openKeys({ path, clock });
    app = makeDescribedServer({ store: makeFakeStore(), logger: silent, clock, keys });
    onTestFinished(() => keys.close());
  }
  const ask = (method: string, url: string, headers: Record<string, string> = {}, payload?: object) =>
    app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) } as InjectOptions);
  const logIn = async (text: string): Promise<string> => {
    const answer = await ask("POST", "/console/session", ownPage, { key: text });
    expect(answer.statusCode).toBe(200);
    return String(answer.headers["set-cookie"]);
  };
  const cookieOf = (set: string): Record<string, string> => ({ cookie: `other=1; ${set.split(";")[0]!}` });
  const act = (headers: Record<string, string>) => ask("POST", "/replays/plan", headers, { selection: { ids: [] } });

  beforeEach(() => {
    path = join(temporaryFolder(), "keys.json");
    clock = makeFakeClock();
  });

  it("is a cookie that no script reads and no other site sends, and that is no key", async () => {
    const { text } = key("anna");
    open();
    const set = await logIn(text);
    expect(set).toMatch(/^reprise_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(set).not.toContain(text.slice(12));
    const session = await ask("GET", "/console/session", cookieOf(set));
    expect(session.json()).toMatchObject({ keys: true, actor: "anna", role: "operate", tenant: "default", of_all_tenants: false });
    expect((await ask("GET", "/handlers", cookieOf(set))).statusCode).toBe(200);
    expectProblem(await ask("GET", "/handlers", { authorization: `Bearer ${set.slice("reprise_session=".length, 59)}` }), 401, "KEY_INVALID");
    expectProblem(await ask("GET", "/handlers", { cookie: `reprise_session=${text}` }), 401, "KEY_INVALID");
    expectProblem(await ask("GET", "/handlers"), 401, "KEY_MISSING");
  });

  it.each([
    ["nothing", {}],
    ["another site", { "sec-fetch-site": "cross-site" }],
    ["another page of the same site", { "sec-fetch-site": "same-site" }],
    ["nobody's page", { "sec-fetch-site": "none" }],
  ])("acts for its own page only: not for a request that says it comes from %s", async (_what, from) => {
    const { text } = key("anna");
    open();
    const cookie = cookieOf(await logIn(text));
    expectProblem(await act({ ...cookie, ...from }), 403, "ORIGIN_REFUSED");
    expectProblem(await ask("DELETE", "/console/session", { ...cookie, ...from }), 403, "ORIGIN_REFUSED");
    expect((await ask("GET", "/console/session", { ...cookie, ...from })).statusCode).toBe(200);
    expectProblem(await act({ ...cookie, ...ownPage }), 400, "REQUEST_INVALID"); // it gets as far as its body
    // Who brings a key is a program: the cookie beside it says nothing.
    expectProblem(await act({ ...cookie, ...from, authorization: `Bearer ${text}` }), 400, "REQUEST_INVALID");
  });

  it("is begun by no other page, and by no wrong key", async () => {
    const { text } = key("anna");
    open();
    expectProblem(await ask("POST", "/console/session", { "sec-fetch-site": "cross-site" }, { key: text }), 403, "ORIGIN_REFUSED");
    for (const wrong of ["rpr_x", text.slice(0, -1), `x${text}`, "a\nb"]) {
      const refused = await ask("POST", "/console/session", ownPage, { key: wrong });
      expectProblem(refused, 401, "KEY_INVALID");
      expect([refused.headers["set-cookie"], refused.body.includes(wrong)]).toEqual([undefined, false]);
    }
    expectProblem(await ask("POST", "/console/session", ownPage, {}), 400, "REQUEST_INVALID");
  });

  it("may what its key's role may, in its key's tenant", async () => {
    const [reader, admin] = [key("reader", "read").text, key("admin", "admin", "*").text];
    open();
    const [asReader, asAdmin] = [cookieOf(await logIn(reader)), cookieOf(await logIn(admin))];
    expectProblem(await ask("POST", "/handlers/strict/pause", { ...asReader, ...ownPage }), 403, "ROLE_REQUIRED");
    expectProblem(await ask("GET", "/handlers?tenant=other", asReader), 404, "NOT_FOUND");
    expect((await ask("GET", "/handlers?tenant=other", asAdmin)).statusCode).toBe(200);
    expect((await ask("GET", "/console/session?tenant=acme", asAdmin)).json()).toMatchObject({ tenant: "acme", of_all_tenants: true });
  });

  it("ends with a logout, an hour after its last request, and after twelve", async () => {
    const { text } = key("anna");
    open();
    const [one, two] = [cookieOf(await logIn(text)), cookieOf(await logIn(text))];
    const left = await ask("DELETE", "/console/session", { ...one, ...ownPage });
    expect([left.json(), left.headers["set-cookie"]]).toEqual([{ status: "ended" }, "reprise_session=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict"]);
    expectProblem(await ask("GET", "/handlers", one), 401, "KEY_INVALID");
    for (let hours = 0; hours < 12; hours += 0.75) {
      expect((await ask("GET", "/handlers", two)).statusCode).toBe(200);
      await clock.advance(0.75 * 3_600_000);
    }
    expectProblem(await ask("GET", "/handlers", two), 401, "KEY_INVALID");
    const three = cookieOf(await logIn(text));
    await clock.advance(3_600_000);
    expectProblem(await ask("GET", "/handlers", three), 401, "KEY_INVALID");
  });

  it("ends when its key is revoked, expires, or has another secret: within 5 s, as the key does", async () => {
    const [revoked, expiring, rotated] = [key("revoked"), key("expiring", "read", "default", clock.now() + 60_000), key("rotated")];
    open();
    const cookies = [];
    for (const { text } of [revoked, expiring, rotated]) cookies.push(cookieOf(await logIn(text)));
    revokeKey(editing(), revoked.key.id);
    rotateKey(editing(), rotated.key.id);
    await clock.advance(5000);
    expectProblem(await ask("GET", "/handlers", cookies[0]), 401, "KEY_INVALID");
    expect((await ask("GET", "/handlers", cookies[2])).statusCode).toBe(200);
    finishRotation(editing(), rotated.key.id);
    await clock.advance(60_000);
    expectProblem(await ask("GET", "/handlers", cookies[1]), 401, "KEY_INVALID");
    expectProblem(await ask("GET", "/handlers", cookies[2]), 401, "KEY_INVALID");
  });

  it("is one of a bounded number: the oldest of the same key ends", async () => {
    const [text, other] = [key("anna").text, key("ben").text];
    open();
    const ofOther = cookieOf(await logIn(other));
    const cookies = [];
    for (let count = 0; count <= maxOfKey; count++) cookies.push(cookieOf(await logIn(text)));
    expectProblem(await ask("GET", "/handlers", cookies[0]), 401, "KEY_INVALID");
    expect((await ask("GET", "/handlers", cookies[1])).statusCode).toBe(200);
    expect((await ask("GET", "/handlers", ofOther)).statusCode).toBe(200);
  });

  it("is not needed where there are no keys", async () => {
    const open = serverOver(makeFakeStore());
    const expected = { keys: false, actor: "local", role: "admin", tenant: "default", of_all_tenants: true };
    expect((await open.inject("/console/session")).json()).toMatchObject(expected);
    const begun = await open.inject({ method: "POST", url: "/console/session", payload: { key: "any" } });
    expect([begun.json(), begun.headers["set-cookie"]]).toEqual([expect.objectContaining(expected), undefined]);
  });

  it("stands under the path of a server that is not its own", async () => {
    const { text } = key("anna");
    const store = await startStore({ events: [], handlers: [] }, temporaryFolder());
    const server = createServer(store.http({ prefix: "/api/desk", keys: path }).listener).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once("listening", resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/desk`;
    const page = await fetch(`${base}/console`);
    for (const reference of referencesIn(await page.text())) expect((await fetch(new URL(reference, `${base}/console`))).status).toBe(200);
    const headers = { "content-type": "application/json", ...ownPage };
    const begun = await fetch(`${base}/console/session`, { method: "POST", headers, body: JSON.stringify({ key: text }) });
    expect(begun.headers.get("set-cookie")).toMatch(/^reprise_session=[\w-]{43}; Path=\/api\/desk; HttpOnly; SameSite=Strict$/);
    expect((await fetch(`${base}/handlers`, { headers: cookieOf(begun.headers.get("set-cookie")!) })).status).toBe(200);
  });
});
