import type { Command } from "commander";
import { RepriseError } from "../../errors.ts";
import type { World } from "../command.ts";
import { exit, usage } from "../exit.ts";
import { hearStop } from "../hear-stop.ts";
import { readPasswordFile, standardLog } from "../named-log.ts";
import { fields, type PrintOptions, printOne } from "../print.ts";

interface Flags extends Omit<PrintOptions, "quiet"> {
  readonly quiet?: boolean;
  readonly log?: string;
  readonly user: string;
  readonly passwordFile?: string;
  readonly alone?: boolean;
}

/** What the server makes itself, for people. */
const ofTheServer: ReadonlySet<string> = new Set(["admin", "ops"]);
const leastLetters = 12;
const accountTexts = { created: "made", password_changed: "was there; has this password now", unchanged: "was there, with this password" } as const;

/** `log user`: the user with which a service logs in at the log's server. */
export function addLogUser(log: Command, world: World): void {
  log
    .command("user")
    .description("make the user with which Reprise logs in at its server, let it read $all, and try its rights; what is so already stays")
    .option("--log <log>", "the server, as its administrator: esdb://admin:<password>@host:2113 (REPRISE_LOG)")
    .option("--user <name>", "name of the user", "reprise")
    .option("--password-file <file>", "file with the user's password (REPRISE_LOG_PASSWORD_FILE)")
    .option("--alone", "leave all streams of the server to this user and the administrators: for a server of Reprise alone")
    .addHelpText(
      "after",
      "\nIt waits up to two minutes for a cluster that is just starting.\nExit 0: the user has all the rights that Reprise needs. Exit 1: one is missing.",
    )
    .action(async (_flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<Flags>();
      const stopped = hearStop("kills");
      try {
        await makeUser(flags, world, stopped.signal);
      } finally {
        stopped.forget();
      }
    });
}

async function makeUser(flags: Flags, world: World, signal: AbortSignal): Promise<void> {
  const { output, quiet = false, alone = false } = flags;
  const user = { user: nameOf(flags), password: passwordOf(flags, world) };
  // Loaded here, so that the commands that only talk to a service start fast.
  const { haveLogUser } = await import("../../log/open-log.ts");
  const { account, listsChanged, rights } = await haveLogUser(flags.log || world.env.REPRISE_LOG || standardLog, { user, alone, signal });
  const reply = { user: user.user, account, lists_changed: listsChanged, rights };
  printOne(world.terminal, { output, quiet }, reply, user.user, () =>
    fields([
      ["user", `${user.user} (${accountTexts[account]})`],
      ...rights.map(({ right, streams, granted }): [string, string] => [right, `${streams}: ${granted ? "granted" : "refused"}`]),
    ]),
  );
  if (rights.every(({ granted }) => granted)) return;
  world.terminal.err(
    `The server has lists of its own that keep ${user.user} out (the stream $settings, or the metadata of streams): add it there, or run this again with --alone.\n`,
  );
  world.exitCode = exit.failed;
}

function nameOf({ user }: Flags): string {
  if (!/^[A-Za-z][A-Za-z0-9._-]{0,63}$/.test(user)) throw usage(`--user is ${JSON.stringify(user)}: letters, digits and . _ - only, beginning with a letter.`);
  if (ofTheServer.has(user.toLowerCase()))
    throw usage(`--user is ${JSON.stringify(user)}: that user belongs to the server's own administrators. Choose another name.`);
  return user;
}

function passwordOf({ passwordFile }: Flags, { env }: World): string {
  const [name, path] = passwordFile ? ["--password-file", passwordFile] : ["REPRISE_LOG_PASSWORD_FILE", env.REPRISE_LOG_PASSWORD_FILE];
  if (!path) throw usage("Name a file with the user's password: --password-file, or REPRISE_LOG_PASSWORD_FILE.");
  const password = readPasswordFile(name!, path);
  if (password.length >= leastLetters) return password;
  throw new RepriseError("CONFIG_INVALID", `${name} is ${JSON.stringify(path)}: the password is too short; it must have ${leastLetters} letters or more.`);
}
