/** The container files: no engine runs here, so they are read. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DCLinter } from "dclint";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { repositoryFolder } from "../support/run-tool.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

interface Service {
  readonly image: string;
  readonly build?: string;
  readonly profiles?: readonly string[];
  readonly restart: string;
  readonly mem_limit?: string;
  readonly network_mode?: string;
  readonly read_only?: boolean;
  readonly init?: boolean;
  readonly user?: string;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly stop_grace_period?: string;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

const read = (path: string): string => readFileSync(join(repositoryFolder, path), "utf8");
const source = read("docker-compose.yml");
const compose = parse(source, { merge: true }) as { readonly services: Readonly<Record<string, Service>>; readonly volumes: Readonly<Record<string, null>> };
const services = Object.entries(compose.services);
const nodes = ["node1", "node2", "node3"].map((name) => [name, compose.services[name]!] as const);
const reprises = ["reprise", "reprise-single"].map((name) => [name, compose.services[name]!] as const);

const rules = { "no-duplicate-exported-ports": 2, "no-unbound-port-interfaces": 2, "service-image-require-explicit-tag": 2 } as const;
const others = [
  "no-build-and-image",
  "no-duplicate-container-names",
  "no-quotes-in-volumes",
  "no-version-field",
  "require-project-name-field",
  "require-quotes-in-ports",
  "service-container-name-regex",
  "service-dependencies-alphabetical-order",
  "service-keys-order",
  "service-ports-alphabetical-order",
  "services-alphabetical-order",
  "top-level-properties-order",
];

/** Checks a compose file against the Compose Specification's schema, and a few rules about ports and images. */
function problemsOf(text: string): readonly string[] {
  const file = join(temporaryFolder(), "docker-compose.yml");
  writeFileSync(file, text);
  const linter = new DCLinter({ rules: { ...Object.fromEntries(others.map((rule) => [rule, 0])), ...rules }, quiet: true, debug: false, exclude: [] });
  // Its types do not resolve from an ES module.
  const results = linter.lintFiles([file], false) as readonly { readonly messages: readonly { readonly rule: string; readonly message: string }[] }[];
  return results.flatMap(({ messages }) => messages.map(({ rule, message }) => `${rule}: ${message}`));
}

describe("docker-compose.yml", () => {
  it("is a compose file by the specification's schema", () => {
    expect(problemsOf(source)).toEqual([]);
  });

  it.each([
    ["an unknown member of a service", source.replace("  init: true", "  ini: true"), /invalid-schema/],
    ["a wrong type", source.replace("start_period: 30s", "start_period: [30]"), /invalid-schema/],
    ["a condition that does not exist", source.replace("condition: service_started", "condition: service_up"), /invalid-schema/],
    ["an image without a version", source.replace("es-gencert-cli:1.0.2", "es-gencert-cli"), /service-image-require-explicit-tag/],
    ["a port for the whole network", source.replace('"127.0.0.1:2111:2113"', '"2111:2113"'), /no-unbound-port-interfaces/],
  ])("would be told of %s", (_what, text, problem) => {
    expect(text).not.toBe(source);
    expect(problemsOf(text).join("\n")).toMatch(problem);
  });

  it("starts three nodes and Reprise, and one node with Reprise in the profile `single`", () => {
    const inProfile = (profile: string | undefined) => services.filter(([, { profiles }]) => profiles?.[0] === profile).map(([name]) => name);
    expect(inProfile(undefined)).toEqual(["certificates", "node1", "node2", "node3", "reprise"]);
    expect(inProfile("single")).toEqual(["single", "reprise-single"]);
  });

  it.each(services)("%s has a pinned image, a memory limit, and what keeps it running and healthy", (name, service) => {
    expect(service.image).toMatch(/^[a-z/-]+:\d+\.\d+\.\d+$/);
    expect(service.mem_limit).toMatch(/^\d+[gm]$/);
    if (name === "certificates") return expect(service.restart).toBe("no"); // ends when they are made
    expect(service.restart).toBe("unless-stopped");
    expect(service.healthcheck?.test[0]).toBe("CMD");
    expect(service.cap_drop).toEqual(["ALL"]);
    expect(service.security_opt).toEqual(["no-new-privileges:true"]);
  });

  it.each(nodes)("%s is one of three that know each other, with its own certificate, data and port", (name, { environment, volumes, ports }) => {
    expect(environment).toMatchObject({
      EVENTSTORE_CLUSTER_SIZE: "3",
      EVENTSTORE_GOSSIP_SEED: nodes
        .map(([other]) => other)
        .filter((other) => other !== name)
        .map((other) => `${other}:2113`)
        .join(","),
      EVENTSTORE_NODE_HOST_ADVERTISE_AS: name,
      EVENTSTORE_REPLICATION_HOST_ADVERTISE_AS: name,
      EVENTSTORE_CERTIFICATE_FILE: `/certificates/${name}/node.crt`,
      EVENTSTORE_CERTIFICATE_PRIVATE_KEY_FILE: `/certificates/${name}/node.key`,
    });
    expect(environment).not.toHaveProperty("EVENTSTORE_INSECURE");
    expect(volumes).toContain(`${name}-data:/var/lib/eventstore`);
    const port = environment.EVENTSTORE_ADVERTISE_NODE_PORT_TO_CLIENT_AS;
    expect(ports).toEqual([`127.0.0.1:${port}:2113`]);
    expect(compose.services.reprise!.environment.REPRISE_LOG).toContain(`127.0.0.1:${port}`);
  });

  it.each(reprises)("%s can write to nothing but its data, and is reached on this machine only", (_name, service) => {
    expect(service).toMatchObject({ read_only: true, init: true, network_mode: "host", build: "." });
    expect(service).not.toHaveProperty("ports");
    expect(service).not.toHaveProperty("user"); // the image's own, which is not root
    expect(service.environment).not.toHaveProperty("REPRISE_HOST");
    expect(service.volumes.filter((volume) => !volume.endsWith(":ro"))).toEqual([expect.stringMatching(/^reprise(-single)?-data:\/data$/)]);
    for (const volume of service.volumes.filter((each) => each.startsWith("./"))) expect(existsSync(join(repositoryFolder, volume.split(":")[0]!))).toBe(true);
  });

  it("keeps all data in named volumes, each declared and used", () => {
    const used = services.flatMap(([, { volumes }]) => volumes.filter((volume) => !volume.startsWith("./")).map((volume) => volume.split(":")[0]!));
    expect(new Set(used)).toEqual(new Set(Object.keys(compose.volumes)));
    expect(used.filter((volume) => volume === "authority")).toHaveLength(1); // the key that signs is nobody else's
  });

  it("gives Reprise longer to stop than Reprise takes", () => {
    for (const [, service] of reprises) expect(Number.parseInt(service.stop_grace_period ?? "0", 10)).toBeGreaterThan(10);
  });
});

describe("Dockerfile", () => {
  const text = read("Dockerfile");
  const instructions = text
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line !== "");
  const final = instructions.slice(instructions.findLastIndex((line) => line.startsWith("FROM")));
  const of = (name: string) => final.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  const manifest = JSON.parse(read("package.json")) as { readonly devDependencies: { readonly node: string } };

  it("builds on the very Node that the repository is tested with", () => {
    const images = instructions.filter((line) => line.startsWith("FROM")).map((line) => line.split(" ")[1]);
    expect(new Set(images)).toEqual(new Set([`node:${manifest.devDependencies.node}-alpine`]));
  });

  it("has only what runs, and runs it as nobody special, with Node as the process that gets SIGTERM", () => {
    expect(of("COPY").map((line) => line.split(" ").at(-1))).toEqual(["./node_modules", "./dist", "./", "./bin"]);
    expect(instructions).toContain("RUN npm ci --omit=dev --ignore-scripts");
    expect(of("USER")).toEqual(["1000:1000"]);
    expect(of("VOLUME")).toEqual(['["/data"]']);
    // With Node's flags as npm start has them.
    const start = (JSON.parse(read("package.json")) as { readonly scripts: { readonly start: string } }).scripts.start.replace(/^exec /, "").split(" ");
    expect(start.slice(-2)).toEqual(["bin/reprise.js", "serve"]);
    expect(JSON.parse(of("ENTRYPOINT")[0]!)).toEqual([...start.slice(0, -2), "/app/bin/reprise.js"]);
    expect((JSON.parse(of("CMD")[0]!) as readonly string[])[0]).toBe("serve");
    expect(of("HEALTHCHECK").join()).toContain("/healthz");
    expect(of("EXPOSE")).toEqual([]);
  });

  it("is sent no more than it copies", () => {
    const sent = read(".dockerignore")
      .split("\n")
      .filter((line) => line.startsWith("!"))
      .map((line) => line.slice(1));
    const copied = instructions.filter((line) => line.startsWith("COPY ") && !line.includes("--from=")).flatMap((line) => line.split(" ").slice(1, -1));
    expect(new Set(copied)).toEqual(new Set(sent));
    expect(read(".dockerignore").split("\n")).toContain("*");
    for (const path of sent) expect(existsSync(join(repositoryFolder, path)), path).toBe(true);
  });
});
