/** Follows what `reprise init` prints, as a newcomer does who has nothing but the package. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { expect } from "vitest";
import { run, type ToolRun } from "./run-tool.ts";

/** The commands that `init` printed: before the service, the service, and what is typed in a second terminal. */
function printed(init: string): { readonly before: readonly string[]; readonly serve: string; readonly second: readonly string[] } {
  const [, first = "", second = ""] = /What follows:\n([\s\S]+)In a second terminal.*\n([\s\S]+)/.exec(init) ?? [];
  const linesOf = (text: string) => Array.from(text.matchAll(/^ {2}(\S.*)$/gm), ([, line]) => line!);
  const commands = linesOf(first);
  return { before: commands.slice(0, -1), serve: commands.at(-1) ?? "", second: linesOf(second) };
}

/** Types the commands as they stand, the package installed already. Only the port is another one than what is printed, because it may be taken here. */
export async function followInit(folder: string): Promise<void> {
  const shell = (line: string, env: readonly string[] = []): Promise<ToolRun> => run("env", [...env, "bash", "-ec", line], folder);
  const init = await shell("npx reprise init");
  expect(init, init.stderr).toMatchObject({ code: 0 });
  const { before, serve, second } = printed(init.stdout);
  expect(before).toEqual(["npm test"]);
  expect(serve).toBe("npx reprise serve");
  for (const line of before) {
    const { code, stdout } = await shell(line);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^(ℹ|#) pass 3$/m) });
  }
  const service = spawn("bash", ["-ec", serve], { cwd: folder, env: { ...process.env, REPRISE_PORT: "0" }, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const ended = new Promise((resolve) => service.once("close", resolve));
  let mailed = "";
  service.stderr.setEncoding("utf8").on("data", (text: string) => (mailed += text));
  try {
    let port: string | undefined;
    for await (const line of createInterface(service.stdout)) if ((port = /"url":"http:\/\/127\.0\.0\.1:(\d+)"/.exec(line)?.[1]) !== undefined) break;
    const said = await shell(second.join("\n"), [`REPRISE_PORT=${port}`]);
    expect(said.code, said.stderr).toBe(0);
    expect(said.stdout).toMatch(/mailer +order\/1 .*order.placed +exhausted +2 .*Error: the mail server does not answer/); // dlq ls
    expect(said.stdout).toMatch(/succeeded +1\nfailed +0\n/); // dlq replay
    expect(said.stdout).toMatch(/mailer +running +2 +2 +0 /); // handlers ls
    expect(mailed.split("\n").filter((line) => line.startsWith("mailed:"))).toEqual(["mailed: order 1, 1250 cents", "mailed: order 1, 900 cents"]);
  } finally {
    process.kill(-service.pid!, "SIGTERM"); // its own group: bash, npx, and the service
    await ended;
  }
}
