/** Whatever a remedy, a hint or a document tells people to run, open or call is there: commands and flags, files, routes. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { rules } from "../../src/catalog/lock/finding.ts";
import * as findings from "../../src/catalog/lock/findings.ts";
import { makeProgram } from "../../src/cli/cli.ts";
import { errorCatalog } from "../../src/errors.ts";
import { makeFakeStore } from "../support/fake-store.ts";
import { serverOver } from "../support/http.ts";
import { repositoryFolder } from "../support/run-tool.ts";

const program = await makeProgram({
  terminal: { out: () => {}, err: () => {}, interactive: false, columns: undefined, ask: async () => "", input: async function* () {} },
  env: {},
  exitCode: 0,
});

/** Of every command line they start with `reprise`: what follows, up to the end of the code, the line or the sentence. */
const commandLine = /(?<![\w./:-])reprise (?!serves\b)([a-z](?:[^`\\\n]|\\\|)*)/g;

function* everyCommand(command: Command): Generator<Command> {
  yield command;
  for (const inner of command.commands) yield* everyCommand(inner);
}
const flagsOf = (command: Command): readonly string[] => command.options.flatMap(({ short, long }) => [short, long].filter((flag) => flag !== undefined));
const everyFlag = new Set([...everyCommand(program)].flatMap(flagsOf));

/** What is wrong with a command line, or null. */
function fault(line: string): string | null {
  const words = line
    .replaceAll("\\|", "|")
    .replaceAll(/'[^']*'|"[^"]*"|\$\{[^}]*\}/g, "x")
    .split(/ [|#·(]|&&|, |"/)[0]!
    .replaceAll(/[[\]]/g, "")
    .split(/\s+/);
  let command: Command = program;
  let next = 0;
  for (; command.commands.length > 0; next++) {
    const outer = command;
    // `pause|resume` names two that take the same.
    for (const word of words[next]?.replace(/[.,;:]$/, "").split("|") ?? [""]) {
      const inner = outer.commands.find((one) => one.name() === word || one.aliases().includes(word));
      if (inner === undefined) return `${outer.name()} has no command ${word}`;
      command = inner;
    }
  }
  const known = [...flagsOf(command), ...flagsOf(program), "--help", "-h"];
  const unknown = words
    .slice(next)
    .flatMap((word) => /^--?[a-z][a-z-]*/i.exec(word) ?? [])
    .find((flag) => !known.includes(flag));
  return unknown === undefined ? null : `${command.name()} has no flag ${unknown}`;
}

const read = (path: string): string => readFileSync(join(repositoryFolder, path), "utf8");
const filesIn = (folder: string, end: string): readonly string[] =>
  readdirSync(join(repositoryFolder, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(end))
    .map((name) => `${folder}/${name}`);
const pages = ["README.md", ...filesIn("docs", ".md")];
const sources = filesIn("src", ".ts");

/** Code in a document: blocks that are no TypeScript, line by line, and spans. */
function codeOf(markdown: string): readonly string[] {
  const blocks = [...markdown.matchAll(/^```(.*)\n([\s\S]*?)^```/gm)].flatMap(([, language, block = ""]) =>
    language === "ts" ? [] : block.replaceAll(/\\\n\s*/g, "").split("\n"),
  );
  return [...blocks, ...[...markdown.replaceAll(/^```.*\n[\s\S]*?^```/gm, "").matchAll(/`([^`]+)`/g)].map(([, span = ""]) => span.replaceAll("\n", " "))];
}

/** With what stands for a type or a version replaced by ones that this repository has. */
const anExample = (path: string): string =>
  path
    .replaceAll(/<event-type>|<type>/g, "order.placed")
    .replaceAll("<n+1>", "2")
    .replaceAll(/<n>|<version>/g, "1")
    .replace(/[.,;:]$/, "");
const pathsIn = (text: string): readonly string[] =>
  text.match(/(?<![\w./<{-])(?:bench|docs|examples|handlers|schemas|src|test|upcasters)\/[^\s`,;()"…]+/g) ?? [];

it("the walk finds commands and flags that are not there, and has much to look at", () => {
  expect(fault("schema lock --rewrite order.placed@2")).toBeNull();
  expect(fault("replay plan <id> --rate 5 -o json | jq .")).toBeNull();
  expect(fault("schema locks")).toBe("schema has no command locks");
  expect(fault("log check --deep")).toBe("check has no flag --deep");
  expect(pages.flatMap((page) => [...read(page).matchAll(commandLine)]).length).toBeGreaterThan(30);
  expect(sources.flatMap((path) => [...read(path).matchAll(commandLine)]).length).toBeGreaterThan(30);
});

const remedies = [
  ...Object.entries(errorCatalog).map(([code, { remedy }]) => [code, remedy] as const),
  ...[
    findings.missingLock("schemas/lock.json"),
    findings.unreadableLock("schemas/lock.json", "it is empty"),
    findings.configDoesNotLoad("x.ts cannot be found"),
    findings.configDoesNotLoad("It throws"),
    findings.chainGap("order.placed", 1, true),
    findings.chainGap("order.placed", 1, false),
    findings.typeDisappeared("order.placed"),
    findings.versionDisappeared("order.placed", 1),
    findings.formerNameDisappeared("order.placed", "order.put"),
    findings.publishedVersionChanged("order.placed", 1, 2, []),
    findings.checkEdited("order.placed", 1, []),
    findings.stepResultChanged("order.placed", 1, []),
    findings.stepEdited("order.placed", 1),
    findings.stepNotPure("order.placed", 1, []),
    findings.schemaNotPure("order.placed", 1, []),
    findings.downcastChanged("order.placed", 1, []),
    findings.downcastEdited("order.placed", 1),
    findings.zodReworded("order.placed", 1, "4.3.0", "4.4.0", []),
    findings.sampleChanged("order.placed", 1, "full", []),
    findings.sampleDisappeared("order.placed", 1, "full"),
    findings.sampleRefused("order.placed", 1, "full", "it is refused"),
    findings.lockEdited("order.placed", 1),
    findings.notLocked("order.placed", []),
  ].map(({ rule, remedy }) => [rule, remedy] as const),
];

describe("remedies", () => {
  it("of every rule are walked", () => {
    const walked = new Set(remedies.map(([name]) => name));
    expect(Object.keys(rules).filter((rule) => !walked.has(rule as never) && rule !== "config-invalid")).toEqual([]);
  });

  it.each(remedies)("%s names commands, flags, files and routes that exist", async (_, remedy) => {
    for (const [, line = ""] of remedy.matchAll(commandLine)) expect(fault(line), line).toBeNull();
    for (const flag of remedy.match(/(?<=[\s(`])--[a-z][a-z-]+/g) ?? []) expect(everyFlag, flag).toContain(flag);
    for (const path of pathsIn(remedy).map(anExample)) expect(existsSync(join(repositoryFolder, path)), path).toBe(true);
    const server = serverOver(makeFakeStore());
    await server.ready();
    for (const [, method = "", path = ""] of remedy.matchAll(/\b(GET|POST|PATCH) (\/[\w/{}-]*)/g))
      expect(server.hasRoute({ method: method as "GET", url: path.replaceAll(/\{(\w+)\}/g, ":$1") }), `${method} ${path}`).toBe(true);
  });

  it.each(remedies)("%s is true of a config of one file, too: files of versions and steps are named as one way to lay them out", (_, remedy) => {
    const otherwise = remedy.replaceAll(/where each (?:step )?has a file(?:, that is|:) [^;]*?(?:\)(?=[\s.,])|$)/g, "");
    expect(pathsIn(otherwise).filter((path) => !path.endsWith("lock.json"))).toEqual([]);
  });
});

/** Of other programs: npm scripts, Node, git, Docker and what compose runs. */
const flagsOfOthers = new Set([
  "--max-semi-space-size",
  "--heap-growing-percent",
  "--no-allocation-site-pretenuring",
  "--min-semi-space-size",
  "--json",
  "--quick",
  "--check",
  "--help",
  "--test",
  "--detach",
  "--wait",
]);

it.each(sources)("%s tells people to run and to add only what is there", (path) => {
  for (const flag of read(path).match(/(?<=[\s("`])--[a-z][a-z-]+\b(?!\.[\w#])/g) ?? []) if (!flagsOfOthers.has(flag)) expect(everyFlag, flag).toContain(flag);
  for (const [, line = ""] of read(path).matchAll(commandLine)) expect(fault(line), line).toBeNull();
});

describe.each(pages)("%s", (path) => {
  const code = codeOf(read(path));
  const names = program.commands.filter(({ commands }) => commands.length > 0).map((command) => command.name());

  it("names only commands and flags that exist", () => {
    for (const line of code) {
      for (const [, rest = ""] of line.matchAll(/(?:^|(?<=[\s(]))(?:npm run reprise -- |(?:npx )?reprise )([a-z][^`]*)/g)) expect(fault(rest), line).toBeNull();
      // `replay plan …` stands for `reprise replay plan …`
      if (
        !/^export (?:async|const|default|function|type) /.test(line) &&
        names.some((name) => line.startsWith(`${name} `)) &&
        /^[a-z]+ [a-z-]+(?: |$)/.test(line)
      )
        expect(fault(line), line).toBeNull();
      const flag = /^--[a-z][a-z-]+/.exec(line)?.[0];
      if (flag !== undefined && !flagsOfOthers.has(flag)) expect(everyFlag, `${flag} in ${line}`).toContain(flag);
    }
  });

  it("names only files that exist", () => {
    for (const span of code.filter((text) => /^(?:bench|docs|examples|src|test)\/[\w./-]+$/.test(text)))
      expect(existsSync(join(repositoryFolder, span)), span).toBe(true);
  });
});
