/** A person at a terminal of the command line: what is typed, what is answered, what is shown. */
import { runCli } from "../../src/cli/cli.ts";
import type { Terminal } from "../../src/cli/terminal.ts";

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly asked: readonly string[];
}

/** Runs a command where someone answers every question with `answer`. */
export async function onTerminal(
  url: string,
  answer: string,
  args: readonly string[],
  { env = {}, terminal = {} }: { env?: Readonly<Record<string, string>>; terminal?: Partial<Terminal> } = {},
): Promise<Said> {
  const said = { out: "", err: "", asked: [] as string[] };
  const code = await runCli(args, {
    env: { REPRISE_URL: url, ...env },
    terminal: {
      out: (text) => void (said.out += text),
      err: (text) => void (said.err += text),
      interactive: true,
      columns: 200,
      async ask(question) {
        said.asked.push(question);
        return answer;
      },
      input: async function* () {},
      ...terminal,
    },
  });
  return { code, ...said };
}
