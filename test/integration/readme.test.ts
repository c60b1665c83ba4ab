/** The README's first replay, word for word, by its own commands. */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it, vi } from "vitest";
import { repositoryFolder, run } from "../support/run-tool.ts";

const [, startIt = "", breakIt = "", repairIt = ""] = [...readFileSync(join(repositoryFolder, "README.md"), "utf8").matchAll(/^```\n(.*?)^```$/gms)].map(
  ([, commands]) => commands,
);

describe("the README's first replay", { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "reprise-readme-"));
  const checkout = join(folder, "checkout");
  let service: ChildProcess | undefined;

  afterEach(async () => {
    if (service?.pid !== undefined && service.exitCode === null) {
      const ended = new Promise((resolve) => service?.once("close", resolve));
      process.kill(-service.pid, "SIGTERM"); // its own group: bash, npm, and the service
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  });

  it("goes as it says", async () => {
    for (const path of ["package.json", "src", "bin"]) cpSync(join(repositoryFolder, path), join(checkout, path), { recursive: true });
    symlinkSync(join(repositoryFolder, "node_modules"), join(checkout, "node_modules"));
    // Port 4680 may be taken here; everything else is as it stands.
    service = spawn("bash", ["-ec", startIt], { cwd: checkout, env: { ...process.env, REPRISE_PORT: "0" }, stdio: ["ignore", "pipe", "pipe"], detached: true });
    let mailed = "";
    service.stderr?.setEncoding("utf8").on("data", (text: string) => (mailed += text));
    let port: string | undefined;
    for await (const line of createInterface(service.stdout!)) if ((port = /"url":"http:\/\/127\.0\.0\.1:(\d+)"/.exec(line)?.[1]) !== undefined) break;
    const here = (commands: string) => run("env", [`REPRISE_PORT=${port}`, "bash", "-ec", commands.replaceAll("4680", port ?? "")], checkout);

    const broken = await here(breakIt);
    expect(broken.stdout).toMatch(/mailer +order\/2 +0 +order.placed +exhausted +2 .*Error: the mail server does not answer/);
    expect(broken.stdout).toMatch(/mailer +order\/1 +1 +order.placed +exhausted +2 .*Error: the mail server does not answer/);
    expect(broken.stdout.match(/mailer blocked: /g)).toHaveLength(2);
    expect(broken.code, broken.stderr).toBe(0);

    const repaired = await here(repairIt);
    expect(repaired.stdout).toMatch(/succeeded +2\nfailed +0\n/);
    expect(repaired.stdout).toMatch(/mailer +running +3 +3 +0 /);
    expect(repaired.code, repaired.stderr).toBe(0);
    const mails = (order: number) => mailed.split("\n").filter((line) => line.startsWith(`mailed: order ${order},`));
    await vi.waitFor(() => expect(mails(2)).toEqual(["mailed: order 2, 4200 cents"]));
    await vi.waitFor(() => expect(mails(1)).toEqual(["mailed: order 1, 1250 cents", "mailed: order 1, 900 cents"]));
  });
});
