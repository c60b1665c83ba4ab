/** A file as its project names it, wherever the project lies: another folder, machine or container. */
import { existsSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";
import { LRUCache } from "lru-cache";

const roots = new LRUCache<string, { readonly root: string | null }>({ max: 1000 });
const maxLevels = 40;

/** From the nearest package.json on, without the folder that a build writes to and without the file's extension: source and build name the same place. */
export function projectPath(file: string): string {
  const root = rootOf(dirname(file), maxLevels);
  const path = root === null ? basename(file) : relative(root, file).split(sep).join("/");
  return path
    .replace(/^(?:src|dist|build|out|lib)\//, "")
    .replace(/[-.][0-9a-f]{8,64}(?=\.[a-z]+$)/i, "") // a bundler's hash of what is in the file
    .replace(/\.[cm]?[jt]sx?$/, "");
}

function rootOf(folder: string, levels: number): string | null {
  const known = roots.get(folder);
  if (known !== undefined) return known.root;
  const above = dirname(folder);
  const root = existsSync(join(folder, "package.json")) ? folder : above === folder || levels === 0 ? null : rootOf(above, levels - 1);
  roots.set(folder, { root });
  return root;
}
