/** The container files as an engine reads them: no engine runs here. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { repositoryFolder } from "./run-tool.ts";

export interface ComposeService {
  readonly image: string;
  readonly build?: string;
  readonly profiles?: readonly string[];
  readonly restart: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly mem_limit?: string;
  readonly network_mode?: string;
  readonly networks?: readonly string[];
  readonly secrets?: readonly string[];
  readonly read_only?: boolean;
  readonly init?: boolean;
  readonly user?: string;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly stop_grace_period?: string;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, null>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

const read = (path: string): string => readFileSync(join(repositoryFolder, path), "utf8");

export const composeText = read("docker-compose.yml");
export const composeFile = parse(composeText, { merge: true }) as Compose;
export const dockerfileText = read("Dockerfile");

/** The Dockerfile's instructions, one a line. */
export const instructions = dockerfileText
  .replaceAll(/^#.*\n/gm, "")
  .replaceAll(/\\\n\s*/g, "")
  .split("\n")
  .filter((line) => line !== "");
const lastStage = instructions.slice(instructions.findLastIndex((line) => line.startsWith("FROM")));

/** What the last stage, which is the image, says with an instruction. */
export const imageSays = (name: string): readonly string[] =>
  lastStage.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));

/** `${NAME:-standard}` and `$$`, as compose replaces them. */
export function interpolated(text: string, env: Readonly<Record<string, string>> = {}): string {
  return text.replaceAll(/\$\$|\$\{(\w+):-([^}]*)\}/g, (all, name: string | undefined, standard = "") =>
    name === undefined ? all.slice(1) : env[name] || String(standard),
  );
}

export interface ContainerProcess {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly health: readonly string[];
}

/**
 * What an engine would run for a service, with the container's folders in others' place.
 *
 * @param folders by the container's path, such as `/data`.
 * @param outside the environment of `docker compose` itself.
 * @param args in place of the service's command.
 */
export function processOf(
  name: string,
  folders: Readonly<Record<string, string>>,
  outside: Readonly<Record<string, string>> = {},
  args?: readonly string[],
): ContainerProcess {
  const service = composeFile.services[name]!;
  const here = (text: string): string =>
    Object.entries(folders).reduce((path, [inside, folder]) => path.replaceAll(new RegExp(`(?<![\\w.-])${inside}(?=/|$)`, "g"), folder), text);
  const list = (instruction: string): readonly string[] => JSON.parse(imageSays(instruction)[0]!) as readonly string[];
  const ofImage = Object.fromEntries(
    imageSays("ENV")
      .join(" ")
      .split(/\s+/)
      .map((pair) => pair.split("=") as [string, string]),
  );
  const env = Object.entries({ ...ofImage, ...service.environment }).map(([key, value]) => [key, here(interpolated(String(value), outside))]);
  const command = [...(service.entrypoint ?? list("ENTRYPOINT")), ...(args ?? service.command ?? (service.entrypoint ? [] : list("CMD")))];
  const health = JSON.parse(imageSays("HEALTHCHECK")[0]!.replace(/^.*CMD /, "")) as readonly string[];
  return { command: command.map(here), env: Object.fromEntries(env) as Record<string, string>, health: health.map(here) };
}
