/** What the service says of itself: the document, and a page that reads it. */
import { readFileSync } from "node:fs";
import type { FastifyInstance } from "fastify";
import { build } from "../../event/build.ts";
import { mountOf } from "../mount.ts";
import { makeDocument } from "../openapi/document.ts";
import { parseGet } from "../parse.ts";
import { configOf, type RouteContract } from "../route.ts";
import { afterQuery } from "../wire/members.ts";
import { openApiReply } from "../wire/service.ts";
import type { RouteOptions } from "./options.ts";

/** The page asks this service only, runs its own script only, and stands in no other page. */
const policy = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"],
  ...["base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'"],
].join("; ");

const pages = [
  { url: "/docs", file: "docs.html", mediaType: "text/html", summary: "Shows the document as a page." },
  { url: "/docs/page.css", file: "docs.css", mediaType: "text/css", summary: "How the page looks." },
  { url: "/docs/page.js", file: "docs.js", mediaType: "text/javascript", summary: "What the page does." },
] as const;

export async function descriptionRoutes(app: FastifyInstance, { store, table }: RouteOptions): Promise<void> {
  let written: { readonly at: string; readonly text: Promise<string> } | null = null;
  // For the first who asks: most services are never asked, and making it takes as long as fifty appends.
  const document = (at: string): Promise<string> => {
    if (written?.at !== at)
      written = { at, text: makeDocument(table, build).then((made) => JSON.stringify({ ...made, servers: [{ url: at === "" ? "/" : at }] })) };
    return written.text;
  };
  app.get("/openapi.json", describedAs("look", "This document: OpenAPI 3.1.", openApiReply), async (request, reply) => {
    await parseGet(afterQuery, request, store.views);
    reply.type("application/json; charset=utf-8");
    return document(mountOf(request));
  });

  for (const { url, file, mediaType, summary } of pages) {
    const text = readFileSync(new URL(`../page/${file}`, import.meta.url), "utf8");
    // Public, since a browser sends no key with an address: there is nothing of the service's in it.
    app.get(url, describedAs("public", summary, mediaType), async (request, reply) => {
      await parseGet(afterQuery, request, store.views);
      reply.header("content-security-policy", policy).header("x-content-type-options", "nosniff").header("cache-control", "no-cache");
      reply.type(`${mediaType}; charset=utf-8`);
      return text;
    });
  }
}

function describedAs(access: "look" | "public", summary: string, reply: RouteContract["reply"]) {
  return configOf({ access, summary, query: afterQuery, bodies: null, reply });
}
