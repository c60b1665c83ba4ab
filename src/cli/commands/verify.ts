import { createReadStream } from "node:fs";
import { type Command, Option } from "commander";
import { type ReceivedFindings, ReceivedHistory, RecordUnreadable } from "../../verify/received-history.ts";
import type { World } from "../command.ts";
import { exit, usage } from "../exit.ts";
import { fields, type PrintOptions, printOne } from "../print.ts";
import type { Terminal } from "../terminal.ts";

/** A delivery's body is below 4 MiB. */
const maxLineCharacters = 16 * 1024 * 1024;

interface VerifyFlags extends Omit<PrintOptions, "quiet"> {
  readonly ordering: "strict" | "relaxed";
  readonly quiet?: boolean;
}

export function addVerify(program: Command, world: World): void {
  program
    .command("verify <file>")
    .description("judge a receiver's own record, NDJSON with a delivery a line: was the order of each entity kept? (- reads standard input)")
    .addOption(new Option("--ordering <kind>", "the handler's").choices(["strict", "relaxed"]).default("strict"))
    .addHelpText(
      "after",
      "\nA line is the CloudEvent that was received, with `received_at`, `ended_at` and `status` as far as they are known.\nExit 0: nothing is wrong. Exit 1: the violations are listed.",
    )
    .action(async (file: string, _flags: unknown, command: Command) => {
      const { ordering, output, quiet = false } = command.optsWithGlobals<VerifyFlags>();
      const history = new ReceivedHistory({ ordering });
      await readLines(file, world.terminal, history);
      const findings = history.judge();
      tell(findings, world.terminal, { output, quiet });
      if (findings.violationsTotal > 0) world.exitCode = exit.failed;
    });
}

async function readLines(file: string, terminal: Terminal, history: ReceivedHistory): Promise<void> {
  let number = 0;
  try {
    for await (const line of linesOf(file === "-" ? terminal.input() : createReadStream(file))) {
      number++;
      history.add(line);
    }
  } catch (error) {
    if (error instanceof RecordUnreadable) throw usage(`Line ${number} of ${file} is no delivery: ${error.message}.`);
    throw usage(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}.`);
  }
}

/** Memory stays flat but for one line. */
async function* linesOf(input: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of input) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    if (rest.length > maxLineCharacters) throw new RecordUnreadable(`it has more than ${maxLineCharacters} characters`);
    yield* lines;
  }
  yield rest + decoder.decode();
}

function tell(findings: ReceivedFindings, terminal: Terminal, options: PrintOptions): void {
  const reply = {
    ok: findings.violationsTotal === 0,
    calls: findings.calls,
    deliveries: findings.deliveries,
    lanes: findings.lanes,
    completed: findings.completed,
    repeats: findings.repeats,
    replayed: findings.replayed,
    not_checked: findings.notChecked,
    violations: findings.violations,
    violations_total: findings.violationsTotal,
  };
  printOne(terminal, options, reply, String(findings.violationsTotal), () =>
    fields([
      ["calls", findings.calls],
      ["deliveries", findings.deliveries],
      ["lanes", findings.lanes],
      ["completed", findings.completed],
      ["repeats", findings.repeats],
      ["calls of replays", findings.replayed],
      ["violations", findings.violationsTotal],
    ]),
  );
  for (const what of findings.notChecked) terminal.err(`Not checked: ${what}.\n`);
  for (const what of findings.violations) terminal.err(`${what}\n`);
  if (findings.violationsTotal > findings.violations.length) terminal.err(`and ${findings.violationsTotal - findings.violations.length} more\n`);
}
