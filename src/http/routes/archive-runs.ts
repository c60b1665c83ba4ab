import type { FastifyInstance } from "fastify";
import { RepriseError } from "../../errors.ts";
import { bodyOf, parse, parseQuery } from "../parse.ts";
import { configOf, makeRoutes } from "../route.ts";
import { type ArchiveRunReply, archiveRunReply, archiveRunRequest, toArchiveRunReply } from "../wire/archive-runs.ts";
import { noQuery } from "../wire/members.ts";
import { adminOfAll, callerOf, type RouteOptions } from "./options.ts";

/** Runs that archive what may leave the log. */
export async function archiveRunRoutes(app: FastifyInstance, { store }: RouteOptions): Promise<void> {
  const { get } = makeRoutes(app, store);
  // Without an Idempotency-Key: a run that is begun again goes on where the first one was, and finds what is left.
  app.post(
    "/archive/runs",
    configOf({
      ...{ ...adminOfAll, summary: "Begins to archive what may leave the log, or only finds out what that is.", codes: ["RETENTION_RUNNING"] },
      ...{ query: noQuery, bodies: { "application/json": archiveRunRequest }, offRecord: true, reply: archiveRunReply, statuses: [202] },
    }),
    async (request, reply): Promise<ArchiveRunReply> => {
      parseQuery(noQuery, request);
      const { reason, dry_run: dryRun = false } = parse(archiveRunRequest, bodyOf(request));
      const run = await store.beginArchiveRun({ actor: callerOf(request).actor, dryRun, ...(reason === undefined ? {} : { reason }) });
      reply.code(202);
      return toArchiveRunReply(run);
    },
  );

  get(
    "/archive/runs/:id",
    { ...adminOfAll, summary: "How far a run is, what goes, and what is held back by what.", reply: archiveRunReply },
    async ({ params: { id } }): Promise<ArchiveRunReply> => {
      const run = await store.archiveRun(id);
      if (run === null)
        throw new RepriseError(
          "NOT_FOUND",
          "There is no such run. The log knows those that may have archived something; a dry run only the service that made it, of its last 20.",
        );
      return toArchiveRunReply(run);
    },
  );
}
