/** A user of the server's own for Reprise: it reads the whole log and writes our streams, and administers nothing. */
import { ErrorType, type EventStoreDBClient } from "@eventstore/db-client";
import { RepriseError } from "../../../errors.ts";
import { type Clock, systemClock } from "../../../event/clock.ts";
import { newId } from "../../../event/ids.ts";
import { pause } from "../../../event/waits.ts";
import { isPlain, parseServerUrl, withUser } from "../../server-url.ts";
import { connect } from "../connect.ts";
import { fromOpenError, isServerError, mayPass } from "../server-error.ts";
import { type AccountChange, AdministratorRefused, haveAccount } from "./account.ts";
import { type Login, openAdministration } from "./administration.ts";
import { keepOthersOut, letReadAll } from "./rights.ts";
import { type Right, tryRights } from "./try-rights.ts";

export interface HaveUserOptions {
  readonly user: Login;
  /** Leave the server's streams to this user and the administrators: for a server on which only Reprise works. */
  readonly alone: boolean;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
}

export interface HadUser {
  readonly user: string;
  readonly account: AccountChange;
  /** Whether a list of who may do what was changed. */
  readonly listsChanged: boolean;
  /** As they were tried by the user itself. */
  readonly rights: readonly Right[];
}

/** A cluster that is just starting has no leader for a while. */
const patienceMs = 120_000;
const retryMs = 1000;
/** A server that has just begun makes its administrators after it answers; a mistyped password should be told soon. */
const refusedPatienceMs = 15_000;
/** A list that was just changed is in force a moment later. */
const tries = 20;
const tryAgainMs = 250;

/**
 * Makes the user, or gives it this password, lets it read `$all`, and tries its rights as the user itself. What is so already stays.
 *
 * @param url of an administrator, with its password.
 * @throws CONFIG_INVALID for an address that names no administrator or a server without users; LOG_UNAVAILABLE when the server does not answer within two minutes.
 */
export async function haveUser(url: string, { user, alone, clock = systemClock, signal }: HaveUserOptions): Promise<HadUser> {
  const administrator = administratorOf(url);
  const ask = openAdministration(administrator.server);
  const patiently = makePatience(clock, signal);
  const account = await patiently("Making the user", () => haveAccount(ask, administrator.login, user));
  const listsChanged = await within(url, clock, (client) =>
    patiently("Changing who may read and write", async () => {
      const all = await letReadAll(client, newId, user.user);
      return (alone && (await keepOthersOut(client, newId, user.user))) || all;
    }),
  );
  const rights = await within(withUser(url, user), clock, async (client) => {
    for (let n = 1; ; n++) {
      const tried = await patiently("Trying the user's rights", () => tryRights(client, newId));
      if (n === tries || signal?.aborted || tried.every(({ granted }) => granted)) return tried;
      await pause(tryAgainMs, clock, signal);
    }
  });
  return { user: user.user, account, listsChanged, rights };
}

function administratorOf(url: string) {
  const server = parseServerUrl(url);
  if (server === null) throw new RepriseError("CONFIG_INVALID", "Only a log on a server (esdb://host:2113) has users.");
  if (isPlain(server))
    throw new RepriseError(
      "CONFIG_INVALID",
      "A server without encryption (tls=false) has no users: it lets everybody do everything. Begin it with certificates.",
    );
  const { user, password } = server;
  if (user === null || password === null)
    throw new RepriseError("CONFIG_INVALID", "The log's address names no administrator: write esdb://admin:<password>@host:2113.");
  return { server, login: { user, password } };
}

async function within<T>(url: string, clock: Clock, work: (client: EventStoreDBClient) => Promise<T>): Promise<T> {
  const connected = connect(url, clock, 0);
  try {
    return await work(connected.client);
  } finally {
    await connected.dispose();
  }
}

/** Repeats what may pass, for as long as a cluster takes to start. */
function makePatience(clock: Clock, signal: AbortSignal | undefined) {
  const untilMs = clock.monotonicMs() + patienceMs;
  let refusedUntilMs = Number.POSITIVE_INFINITY;
  const isOver = (error: unknown): boolean => {
    const nowMs = clock.monotonicMs();
    if (error instanceof AdministratorRefused) {
      refusedUntilMs = Math.min(refusedUntilMs, nowMs + refusedPatienceMs);
      return nowMs >= refusedUntilMs;
    }
    return nowMs >= untilMs || !(mayPass(error) || isServerError(error, ErrorType.WRONG_EXPECTED_VERSION));
  };
  return async <T>(doing: string, act: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await act();
      } catch (error) {
        if (signal?.aborted || isOver(error)) throw fromOpenError(error, doing);
      }
      await pause(retryMs, clock, signal);
    }
  };
}
