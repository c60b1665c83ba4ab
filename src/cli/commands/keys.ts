import { randomBytes } from "node:crypto";
import { type Command, Option } from "commander";
import type { EditOptions } from "../../access/edit-key-file.ts";
import { roles } from "../../access/roles.ts";
import { isRepriseError } from "../../errors.ts";
import { systemClock } from "../../event/clock.ts";
import type { World } from "../command.ts";
import { durationMs } from "../duration.ts";
import { exit, Failure, usage } from "../exit.ts";
import { type PrintOptions, printList, printOne, timeText } from "../print.ts";
import { wholeIdAmong } from "../whole-id.ts";

interface Flags extends Omit<PrintOptions, "quiet"> {
  readonly quiet?: boolean;
  readonly file?: string;
}

interface CreateFlags extends Flags {
  readonly name: string;
  readonly tenant: string;
  readonly role: (typeof roles)[number];
  readonly expires?: string;
  readonly limit?: string;
  readonly source?: readonly string[];
}

/** `keys create|ls|rotate|revoke`: the file of API keys, without a service. */
export function addKeys(program: Command, world: World): void {
  const keys = program.command("keys").description("API keys: who may do what, for which tenant; a service reads the file again within 5 s");
  const command: AddCommand = (spec, description) => keys.command(spec).description(description).option("--file <file>", "the key file (REPRISE_API_KEYS)");
  for (const add of [addCreate, addList, addRotate, addRevoke]) add(command, world);
}

type AddCommand = (spec: string, description: string) => Command;

function addCreate(command: AddCommand, world: World): void {
  command("create", "make a key and print it, once: only SHA-256 of its secret is kept")
    .requiredOption("--name <name>", "who uses it: the actor in every record of what it does")
    .requiredOption("--tenant <tenant>", "whose data it sees and changes; * for all tenants")
    .addOption(
      new Option("--role <role>", "append: producers; read: every GET; operate: acts on dead letters, replays, lanes; admin: everything")
        .choices(roles)
        .makeOptionMandatory(),
    )
    .option("--expires <time>", "after so long (90d, 12h), or at an RFC 3339 time; else never")
    .option("--limit <n/s>", "requests a second, with twice as many at once (default: 200/s)")
    .option("--source <source...>", "append only as these sources")
    .action((_flags: unknown, command: Command) =>
      acting(async () => {
        const { createKey } = await import("../../access/edit-key-file.ts");
        const { checkNewKey } = await import("../../access/new-key.ts");
        const flags = command.optsWithGlobals<CreateFlags>();
        const { key, text } = createKey(editing(flags, world), checkNewKey(flags, systemClock.now(), durationMs));
        printKey(world, flags, key, text);
      }),
    );
}

function addList(command: AddCommand, world: World): void {
  command("ls", "the keys of the file, without secrets").action((_flags: unknown, command: Command) =>
    acting(async () => {
      const { readKeyFile } = await import("../../access/key-file.ts");
      const flags = command.optsWithGlobals<Flags>();
      const rows = readKeyFile(fileOf(flags, world)).map(({ secret_sha256: _, previous_secret_sha256: previous, ...key }) => ({
        ...key,
        rotating: previous !== null,
      }));
      printList(
        world.terminal,
        { output: flags.output, quiet: flags.quiet ?? false },
        {
          reply: { keys: rows },
          rows,
          columns: [
            ["id", ({ id }) => id],
            ["name", ({ name }) => name],
            ["tenant", ({ tenant }) => tenant],
            ["role", ({ role }) => role],
            ["limit", ({ limit }) => (limit === null ? null : `${limit.per_second}/s`)],
            ["expires", ({ expires_at: at }) => timeText(at)],
            ["state", ({ revoked_at: revoked, expires_at: expires, rotating }) => stateOf(revoked, expires, rotating)],
          ],
          id: ({ id }) => id,
          empty: "The file holds no key.",
        },
      );
    }),
  );
}

function addRotate(command: AddCommand, world: World): void {
  command("rotate <id>", "give the key a new secret and print it; the old one holds until --finish")
    .option("--finish", "end the old secret")
    .action((given: string, _flags: unknown, command: Command) =>
      acting(async () => {
        const { rotateKey, finishRotation } = await import("../../access/edit-key-file.ts");
        const flags = command.optsWithGlobals<Flags & { readonly finish?: boolean }>();
        const id = await wholeKeyId(flags, world, given);
        if (flags.finish) return printKey(world, flags, finishRotation(editing(flags, world), id), null);
        const { key, text } = rotateKey(editing(flags, world), id);
        printKey(world, flags, key, text);
      }),
    );
}

function addRevoke(command: AddCommand, world: World): void {
  command("revoke <id>", "end the key: services refuse it within 5 s").action((given: string, _flags: unknown, command: Command) =>
    acting(async () => {
      const { revokeKey } = await import("../../access/edit-key-file.ts");
      const flags = command.optsWithGlobals<Flags>();
      printKey(world, flags, revokeKey(editing(flags, world), await wholeKeyId(flags, world, given)), null);
    }),
  );
}

function stateOf(revoked: string | null, expires: string | null, rotating: boolean): string {
  if (revoked !== null) return "revoked";
  if (expires !== null && Date.parse(expires) <= systemClock.now()) return "expired";
  return rotating ? "rotating" : "in force";
}

/** The key's text goes alone to standard output, so that a script can take it; what belongs to it goes to standard error. */
function printKey(
  { terminal }: World,
  { output, quiet = false }: Flags,
  key: { readonly id: string; readonly name: string; readonly revoked_at: string | null },
  text: string | null,
): void {
  const shown = { id: key.id, name: key.name, revoked_at: key.revoked_at, ...(text === null ? {} : { key: text }) };
  if (output !== "table") printOne(terminal, { output, quiet }, shown, key.id, () => "");
  else terminal.out(`${text ?? key.id}\n`);
  if (text !== null && output === "table" && !quiet) terminal.err(`This is the key ${key.id} of ${JSON.stringify(key.name)}. It is shown this once only.\n`);
}

/** The whole id that an argument begins, of a key that was not revoked. */
async function wholeKeyId(flags: Flags, world: World, text: string): Promise<string> {
  const { readKeyFile } = await import("../../access/key-file.ts");
  const keys = readKeyFile(fileOf(flags, world));
  if (keys.some(({ id }) => id === text)) return text;
  const acting = keys.filter(({ revoked_at: revoked }) => revoked === null);
  return wholeIdAmong(
    acting.map(({ id }) => id),
    "key that was not revoked",
    text,
  );
}

function fileOf({ file }: Flags, { env }: World): string {
  const path = file || env.REPRISE_API_KEYS;
  if (!path) throw usage("Name the key file with --file <file> or REPRISE_API_KEYS.");
  return path;
}

function editing(flags: Flags, world: World): EditOptions {
  return { path: fileOf(flags, world), nowMs: systemClock.now(), random: (count) => randomBytes(count) };
}

async function acting(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    const { code, syscall, message } = error as NodeJS.ErrnoException;
    if (syscall !== undefined) throw new Failure(exit.usage, `The key file cannot be read or written: ${message}.\nNothing was changed.`, { code, message });
    if (!isRepriseError(error)) throw error;
    throw new Failure(exit.usage, `${error.message}\nNothing was changed.`, { code: error.code, message: error.message });
  }
}
