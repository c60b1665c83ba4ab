import { flushCompileCache } from "node:module";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { Logger } from "pino";
import type { Keys, openKeys as OpenKeys } from "../../access/keys.ts";
import { loggedError } from "../../delivery/attempt/attempt-error.ts";
import { leave } from "../../delivery/end-marker.ts";
import { isRepriseError } from "../../errors.ts";
import { systemClock } from "../../event/clock.ts";
import { visible } from "../../event/visible.ts";
import { within } from "../../event/waits.ts";
import type { serve } from "../../http/server.ts";
import type { Store } from "../../store/store.ts";
import type { World } from "../command.ts";
import { exit, Failure } from "../exit.ts";
import { logLevels, readServeSettings, type ServeFlags, standardConfig } from "../serve-settings.ts";

/** Requests under way get so long to be answered before the store closes under them (which takes at most 8 s). */
const answerWithinMs = 1000;
/** A start that takes longer goes on behind a service that answers. */
const startWithinMs = 2000;
const stopWithinMs = 9500;

interface Flags extends ServeFlags {
  readonly allowUnlocked?: boolean;
}

export function addServe(program: Command, world: World): void {
  program
    .command("serve")
    .description("run the service")
    .option("--config <file>", "config file (default: ./reprise.config.ts)")
    .option("--log <log>", "the log, sqlite:<folder> or esdb://host:2113 (REPRISE_LOG, default: sqlite:./data)")
    .option("--log-password-file <file>", "password of the user that the log's address names (REPRISE_LOG_PASSWORD_FILE)")
    .option("--data <folder>", "views and local files (REPRISE_DATA, default: ./data)")
    .option("--host <host>", "address to listen on; another than loopback needs API keys (REPRISE_HOST, default: 127.0.0.1)")
    .option("--port <port>", "0 picks one (REPRISE_PORT, default: 4680)")
    .option("--log-level <level>", `${logLevels.join(", ")} (REPRISE_LOG_LEVEL, default: info)`)
    .option("--lock <file>", "lock file of published schemas (default: schemas/lock.json beside the config, where there is one)")
    .option("--allow-unlocked", "start although a published schema or step has changed, and warn")
    .option("--api-keys <file>", "API keys, made by `reprise keys create`; with them any host may be served (REPRISE_API_KEYS)")
    .option("--tls-cert <file>", "certificate in PEM, read again when it changes (REPRISE_TLS_CERT)")
    .option("--tls-key <file>", "its private key in PEM (REPRISE_TLS_KEY)")
    .option("--trust-proxy <addresses>", "proxies whose X-Forwarded-… headers are believed (REPRISE_TRUST_PROXY)")
    .option("--instance <name>", "name of this process, for people (REPRISE_INSTANCE, default: host name and pid)")
    .option("--instances <one|many>", "many: it shares the work on a log server with others (REPRISE_INSTANCES, default: one)")
    .option("--build <name>", "which build of the project this is, for error groups: a version, a commit (REPRISE_BUILD)")
    .action(async (flags: Flags) => {
      const signal = new Promise<NodeJS.Signals>((caught) => {
        // Not the last word: npm hands on what the terminal sent to the whole group already, and the second one must not kill what ends cleanly.
        for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, caught);
      });
      const cannotStart = (error: unknown): never => {
        throw new Failure(
          isRepriseError(error, "LOG_SYNC_FAILED") ? exit.unsynced : exit.usage,
          `Reprise cannot start.\n${describe(error, resolve(flags.config || standardConfig))}`,
          isRepriseError(error) ? { code: error.code, message: error.message } : undefined,
        );
      };
      const { server, store, logger, started } = await start(flags, world).catch(cannotStart);
      const failed = started.then(
        () => new Promise<never>(() => {}),
        (error: unknown) => ({ error }),
      );
      const end = await Promise.race([signal, failed]);
      logger.info(typeof end === "string" ? { signal: end } : { err: end.error }, "stopping");
      await stop(server, store, logger);
      if (typeof end !== "string") cannotStart(end.error);
    });
}

type Server = Awaited<ReturnType<typeof serve>>;

async function start(flags: Flags, world: World): Promise<{ server: Server; store: Store; logger: Logger; started: Promise<void> }> {
  const { env, namespace = "" } = world;
  const settings = readServeSettings(flags, env);
  const { pino } = await import("pino");
  // Not one system call a line: while one is written the next ones gather. What is left at the end of the process is written then.
  const logger = pino(
    { level: settings.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime, hooks: { streamWrite: visible }, serializers: { err: loggedError } },
    pino.destination({ dest: 1, sync: false }),
  );
  // Loaded here, so that the commands that only talk to a service start fast.
  const [{ loadConfig }, { openStore }, { serve }, { watchStrays }, { openKeys }] = await Promise.all([
    import("../../config/load-config.ts"),
    import("../../compose.ts"),
    import("../../http/server.ts"),
    import("../../delivery/attempt/stray-errors.ts"),
    import("../../access/keys.ts"),
  ]);
  watchStrays(logger, (error) => {
    logger.fatal({ error_type: error instanceof Error ? error.name : typeof error }, "an uncaught error ends the process");
    logger.flush();
    world.terminal.err(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(exit.failed);
  });
  const onLost = (err: unknown): never => {
    logger.fatal({ err }, "the log's disk has lost what it was given: the process ends, and the next start goes on with all that was acknowledged");
    logger.flush();
    leave(exit.unsynced); // closing anything would bring into the log what nobody knows any more
  };
  const keys = openKeysOf(settings.apiKeys, openKeys, logger);
  const store = await openStore(await loadConfig(settings.config), {
    ...{ log: settings.log, data: settings.data, logger, onLost, namespace, allowUnlocked: flags.allowUnlocked === true },
    ...(flags.lock ? { lock: flags.lock } : {}),
    ...(settings.build === null ? {} : { build: settings.build }),
    ...(settings.instance === null ? {} : { instance: settings.instance }),
    instances: settings.instances,
  });
  try {
    // A log on a server may not be there yet: the service answers meanwhile, and /readyz says what it waits for.
    const started = store.start();
    await within(started, startWithinMs, systemClock, () => {});
    flushCompileCache(); // Node keeps what it has compiled at an ordered end only, and the next start may follow a crash
    return { server: await serve({ store, logger, clock: systemClock, keys, ...settings }), store, logger, started };
  } catch (error) {
    await store.close();
    throw error;
  }
}

function openKeysOf(path: string | null, openKeys: typeof OpenKeys, logger: Logger): Keys | null {
  if (path === null) return null;
  return openKeys({
    path,
    clock: systemClock,
    onRead: (keys) => logger.info({ keys }, "read the API keys again"),
    onTrouble: (err) => logger.error({ err }, "the API keys file cannot be used: the keys from before stay in force"),
  });
}

/** Takes nothing new, lets what runs finish, flushes. What is not over in time is delivered again at the next start. */
async function stop(server: Server, store: Store, logger: Logger): Promise<void> {
  store.drain();
  const late = setTimeout(() => {
    logger.fatal("did not stop in time");
    leave(exit.failed);
  }, stopWithinMs);
  const answered = server.close();
  await within(answered, answerWithinMs, systemClock, () => {});
  await store.close();
  server.abort();
  await answered;
  clearTimeout(late);
  logger.info("stopped");
}

function describe(error: unknown, config: string): string {
  if (isRepriseError(error, "CONFIG_INVALID")) {
    // Its message says the fix. Several faults stand in one sentence there, and without the file that they are in.
    const faults = error.errors.map(({ pointer, detail }) => `  ${fieldOf(pointer)} ${detail}`);
    return faults.length === 0 ? error.message : [`Correct ${config}:`, ...faults].join("\n");
  }
  if (isRepriseError(error)) return [error.message, ...error.errors.map(({ pointer, detail }) => `  ${pointer}: ${detail}`), error.remedy].join("\n");
  const { code, message, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === "EADDRINUSE") return `REPRISE_PORT is ${port}: another process listens there. Stop it, or choose another port; 0 picks a free one.`;
  if (code === "EACCES" && port !== undefined) return `REPRISE_PORT is ${port}: this user may not listen there. Choose a port above 1023.`;
  return message;
}

/** `#/handlers/0/name` as it is written in a config: `handlers[0].name`. */
function fieldOf(pointer: string): string {
  const keys = pointer.split("/").slice(1);
  const field = keys.map((key) => (/^\d+$/.test(key) ? `[${key}]` : `.${key.replaceAll("~1", "/").replaceAll("~0", "~")}`)).join("");
  return field.replace(/^\./, "") || "The config";
}
