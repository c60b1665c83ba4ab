/** Whoever uses the library can name every type that its declarations name: `index.ts` exports them all. */
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { repositoryFolder } from "../support/run-tool.ts";

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  declaration: true,
  emitDeclarationOnly: true,
  allowImportingTsExtensions: true,
  rewriteRelativeImportExtensions: true,
  skipLibCheck: true,
  noCheck: true,
  strict: true,
  types: [],
};
/** Where declarations are kept, in memory only: beside their sources the sources would be found first. */
const made = "/made";

/** A program over these files beside those of the disk. */
function programOf(roots: readonly string[], files: ReadonlyMap<string, string>): ts.Program {
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile, directoryExists } = host;
  host.directoryExists = (path) => path.startsWith(made) || directoryExists!(path);
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.readFile = (path) => files.get(path) ?? readFile(path);
  host.getSourceFile = (path, version, ...more) => {
    const text = files.get(path);
    return text === undefined ? getSourceFile(path, version, ...more) : ts.createSourceFile(path, text, version, true);
  };
  return ts.createProgram(roots, options, host);
}

/** The declarations of a program's own files, by their place below `made`. */
function declarationsOf(program: ts.Program, folder: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  program.emit(undefined, (path, text) => files.set(path.replace(folder, made), text), undefined, true);
  return files;
}

/**
 * Types that the exported declarations of `root` name, or that those name in turn, and that neither `root` nor `beside` exports: each as `<file>: <name>`.
 *
 * @param beside another entry of the same package.
 */
function unexported(root: string, files: ReadonlyMap<string, string>, beside = root): readonly string[] {
  const program = programOf([root, beside], files);
  const checker = program.getTypeChecker();
  const resolved = (symbol: ts.Symbol): ts.Symbol => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);
  const exportsOf = (entry: string) => checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(entry)!)!).map(resolved);
  const own = exportsOf(root);
  const exported = new Set([...own, ...exportsOf(beside)]);
  const seen = new Set<ts.Symbol>();
  const missing = new Set<string>();
  const follow = (symbol: ts.Symbol): void => {
    if (seen.has(symbol)) return;
    seen.add(symbol);
    for (const declaration of symbol.declarations ?? []) {
      const { fileName } = declaration.getSourceFile();
      if (!files.has(fileName)) continue; // another package's, or of the language
      if (ts.isTypeParameterDeclaration(declaration)) continue;
      // What its own file keeps to itself is a detail of the type that is built with it; what that names is followed all the same.
      const isDetail = (ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Export) === 0;
      if (!exported.has(symbol) && !isDetail) missing.add(`${fileName.slice(made.length + 1)}: ${symbol.name}`);
      visit(declaration);
    }
  };
  const visit = (node: ts.Node): void => {
    const name = ts.isTypeReferenceNode(node) ? node.typeName : ts.isExpressionWithTypeArguments(node) ? node.expression : null;
    const symbol = name === null ? undefined : checker.getSymbolAtLocation(name);
    if (symbol !== undefined) follow(resolved(symbol));
    ts.forEachChild(node, visit);
  };
  for (const symbol of own) follow(symbol);
  return [...missing].sort();
}

describe("the public declarations", { timeout: 120_000 }, () => {
  it("name no type that index.ts does not export", () => {
    const folder = join(repositoryFolder, "src");
    const testing = "testing/make-test-store";
    const files = declarationsOf(programOf([join(folder, "index.ts"), join(folder, `${testing}.ts`)], new Map()), folder);
    expect(files.size).toBeGreaterThan(50);
    expect(unexported(`${made}/index.d.ts`, files)).toEqual([]);
    expect(unexported(`${made}/${testing}.d.ts`, files, `${made}/index.d.ts`)).toEqual([]);
  });

  it("are walked to the last one", () => {
    const files = new Map([
      ["/made/index.d.ts", 'export type { Open } from "./open.js";'],
      ["/made/open.d.ts", 'import type { Kept } from "./kept.js";\nexport interface Open { kept: readonly Kept<"a">[]; }'],
      ["/made/kept.d.ts", "export interface Kept<T> extends Base { value: T }\ninterface Base { of: Deep }\nexport type Deep = { [key: string]: number };"],
    ]);
    expect(unexported("/made/index.d.ts", files)).toEqual(["kept.d.ts: Deep", "kept.d.ts: Kept"]);
  });
});
