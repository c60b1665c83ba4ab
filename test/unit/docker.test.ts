/** The container files: no engine runs here, so they are read. `integration/containers` runs what they run. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DCLinter } from "dclint";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { readServeSettings } from "../../src/cli/serve-settings.ts";
import { composeFile as compose, imageSays, instructions, interpolated, processOf, composeText as source } from "../support/containers.ts";
import { repositoryFolder } from "../support/run-tool.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const read = (path: string): string => readFileSync(join(repositoryFolder, path), "utf8");
const services = Object.entries(compose.services);
const nodes = ["node1", "node2", "node3"].map((name) => [name, compose.services[name]!] as const);
const reprises = ["reprise", "embedded"].map((name) => [name, compose.services[name]!] as const);
const ours = services.filter(([, { build }]) => build !== undefined);

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

/** Checks a compose file against the Compose Specification's schema, and a few rules about ports and images. One profile at a time: two may share a port. */
function problemsOf(text: string): readonly string[] {
  const file = join(temporaryFolder(), "docker-compose.yml");
  const resolved = parse(interpolated(text), { merge: true }) as { services: Record<string, object> };
  delete (resolved.services.embedded as { ports?: unknown }).ports;
  writeFileSync(file, stringify(resolved));
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
    ["a port for the whole network", source.replace(/"[^"]*127\.0\.0\.1\}:/, '"'), /no-unbound-port-interfaces/],
  ])("would be told of %s", (_what, text, problem) => {
    expect(text).not.toBe(source);
    expect(problemsOf(text).join("\n")).toMatch(problem);
  });

  it("starts one container in the profile `embedded`, and three nodes with Reprise in the profile `team`", () => {
    const inProfile = (profile: string) => services.filter(([, { profiles }]) => profiles?.join() === profile).map(([name]) => name);
    expect(inProfile("embedded")).toEqual(["embedded"]);
    expect(inProfile("team")).toEqual(["reprise", "log-user", "certificates", "node1", "node2", "node3"]);
    expect(inProfile("tools")).toEqual(["keys"]);
    expect(services).toHaveLength(8);
    expect(compose.services.embedded).not.toHaveProperty("depends_on");
  });

  it.each(services)("%s has a pinned image, a memory limit, and what keeps it running and healthy", (name, service) => {
    expect(service.image).toMatch(/^[a-z/-]+:\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?$/);
    expect(service.mem_limit).toMatch(/^\d+[gm]$/);
    expect(service.security_opt).toEqual(["no-new-privileges:true"]);
    expect(service).not.toHaveProperty("privileged");
    // It hands the certificates over to the nodes' user, which only root may.
    if (name !== "certificates") expect(service.cap_drop).toEqual(["ALL"]);
    if (["certificates", "log-user", "keys"].includes(name)) return expect(service.restart).toBe("no"); // ends when its work is done
    expect(service.restart).toBe("unless-stopped");
    // Reprise's is the image's own, which knows the port.
    if (service.build === undefined) expect(service.healthcheck?.test[0]).toBe("CMD");
    else expect(service).not.toHaveProperty("healthcheck");
  });

  it.each(nodes)(
    "%s is one of three that know each other, with its own certificate and data, and no port outside",
    (name, { environment, volumes, ...node }) => {
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
      expect(node).not.toHaveProperty("ports");
      expect(node.networks).toEqual(["log"]);
      expect(compose.networks.log).toEqual({ internal: true });
      for (const each of ["reprise", "log-user"]) expect(compose.services[each]!.environment.REPRISE_LOG).toContain(`${name}:2113`);
    },
  );

  it.each(ours)("%s writes to nothing but its data, as nobody special, with nobody's network", (_name, service) => {
    expect(service).toMatchObject({ read_only: true, init: true, build: "." });
    expect(service.network_mode ?? "none").toBe("none");
    if (service.user !== undefined) expect(service.user).toBe("1000:1000"); // else it is the image's own, which is the same
    const written = (service.volumes ?? []).filter((volume) => !volume.endsWith(":ro"));
    expect(written.filter((volume) => !/^(reprise|embedded)-data:\/data$/.test(volume) && volume !== "./secrets/keys:/keys")).toEqual([]);
    for (const volume of (service.volumes ?? []).filter((each) => each.startsWith("./")))
      expect(existsSync(join(repositoryFolder, volume.split(":")[0]!))).toBe(true);
  });

  it.each(reprises)("%s is published on this machine only, at the port that it listens on, and asks for keys", (_name, { ports, environment, secrets }) => {
    expect(ports?.map((port) => interpolated(port))).toEqual(["127.0.0.1:4680:4680"]);
    expect(ports?.map((port) => interpolated(port, { REPRISE_PORT: "8080", REPRISE_PUBLISH: "10.0.0.7" }))).toEqual(["10.0.0.7:8080:8080"]);
    expect(interpolated(environment.REPRISE_PORT!, { REPRISE_PORT: "8080" })).toBe("8080");
    expect(environment).toMatchObject({ REPRISE_HOST: "0.0.0.0", REPRISE_API_KEYS: "/run/secrets/keys/keys.json" });
    expect(secrets).toContain("keys");
    expect(compose.secrets.keys).toEqual({ file: "./secrets/keys" });
  });

  it("logs in at the cluster as a user of its own, whose password stands in a file and in no environment", () => {
    const folder = temporaryFolder();
    const password = "a:long/pass@word?";
    writeFileSync(join(folder, "log-password"), `${password}\n`, { mode: 0o600 });
    const { env } = processOf("reprise", { "/run/secrets": folder });
    expect(JSON.stringify(env)).not.toContain("admin");
    const { log } = readServeSettings({}, env);
    expect(log).toBe(`esdb://reprise:${encodeURIComponent(password)}@node1:2113,node2:2113,node3:2113?tlsCAFile=/trust/ca.crt`);
    expect(compose.services.reprise!.depends_on).toEqual({ "log-user": { condition: "service_completed_successfully" } });
    expect(processOf("log-user", {}, { EVENTSTORE_ADMIN_PASSWORD: "Twelve4letters" }).env.REPRISE_LOG).toContain("esdb://admin:Twelve4letters@node1:2113,");
  });

  it("keeps all data in named volumes, each declared and used", () => {
    const used = services.flatMap(([, { volumes = [] }]) => volumes.filter((volume) => !volume.startsWith("./")).map((volume) => volume.split(":")[0]!));
    expect(new Set(used)).toEqual(new Set(Object.keys(compose.volumes)));
    expect(used.filter((volume) => volume === "authority")).toHaveLength(1); // the key that signs is nobody else's
    expect(new Set(services.flatMap(([, { networks = [] }]) => networks))).toEqual(new Set(Object.keys(compose.networks)));
    expect(new Set(services.flatMap(([, { secrets = [] }]) => secrets))).toEqual(new Set(Object.keys(compose.secrets)));
  });

  it("gives Reprise longer to stop than Reprise takes", () => {
    for (const [, service] of reprises) expect(Number.parseInt(service.stop_grace_period ?? "0", 10)).toBeGreaterThan(10);
  });
});

describe("ops/several-instances.yml", () => {
  const plain = read("ops/several-instances.yml").replaceAll("!reset ", "");
  const { services: added, volumes } = parse(plain, { merge: true }) as typeof compose;
  const instances = Object.keys(added).filter((name) => name.startsWith("reprise"));

  it("has three instances that share the work, each with a name and data of its own, and no port outside", () => {
    expect(instances).toEqual(["reprise", "reprise-2", "reprise-3"]);
    expect(instances.map((name) => added[name]!.environment.REPRISE_INSTANCES)).toEqual(["many", "many", "many"]);
    expect(new Set(instances.map((name) => added[name]!.environment.REPRISE_INSTANCE)).size).toBe(3);
    const data = instances.map((name) => (added[name]!.volumes ?? compose.services.reprise!.volumes!).find((volume) => volume.endsWith(":/data")));
    expect(new Set(data).size).toBe(3);
    expect(Object.keys(volumes)).toEqual(["reprise-2-data", "reprise-3-data"]);
    expect(instances.map((name) => added[name]!.ports)).toEqual([[], [], []]);
    const file = join(temporaryFolder(), "log-password");
    writeFileSync(file, "secret\n", { mode: 0o600 });
    for (const name of instances) {
      const { REPRISE_LOG, REPRISE_LOG_PASSWORD_FILE: _, ...env } = { ...compose.services.reprise!.environment, ...added[name]!.environment };
      const { instances: many, instance } = readServeSettings({ log: REPRISE_LOG!, port: "4680", logLevel: "info", logPasswordFile: file }, env);
      expect([many, instance]).toEqual(["many", added[name]!.environment.REPRISE_INSTANCE]);
    }
  });

  it("has a proxy that knows them all, and is published as Reprise was", () => {
    const proxied = Array.from(read("ops/proxy.conf.template").matchAll(/^ {2}server ([a-z0-9-]+):/gm), ([, name]) => name);
    expect(proxied).toEqual(instances);
    expect(added.proxy).toMatchObject({ ports: compose.services.reprise!.ports, read_only: true, cap_drop: ["ALL"], networks: ["door"] });
    expect(added.proxy!.image).toMatch(/^[a-z/-]+:\d+\.\d+\.\d+$/);
  });
});

describe("Dockerfile", () => {
  const manifest = JSON.parse(read("package.json")) as { readonly devDependencies: { readonly node: string }; readonly scripts: Record<string, string> };

  it("builds on the very Node that the repository is tested with, known by its digest", () => {
    const images = new Set(instructions.filter((line) => line.startsWith("FROM")).map((line) => line.split(" ")[1]!));
    expect(images.size).toBe(1);
    const [name, digest] = [...images][0]!.split("@");
    expect(name).toBe(`node:${manifest.devDependencies.node}-alpine`);
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it("builds what `npm run build` builds", () => {
    const steps = manifest.scripts.build!.split(" && ").filter((step) => step !== "rm -rf dist");
    expect(instructions).toContain(`RUN ${steps.join(" && ").replace("tsc", "node node_modules/typescript/bin/tsc")}`);
  });

  it("has only what runs, and runs it as nobody special, with Node as the process that gets SIGTERM", () => {
    expect(imageSays("COPY").map((line) => line.split(" ").at(-1))).toEqual(["./node_modules", "./dist", "./", "./bin"]);
    const client = instructions.findIndex((line) => line.includes('npm pkg set "dependencies[@eventstore/db-client]='));
    expect(client).toBeGreaterThan(0);
    expect(instructions.indexOf("RUN npm ci --omit=dev --ignore-scripts")).toBeGreaterThan(client);
    expect(imageSays("USER")).toEqual(["1000:1000"]);
    expect(imageSays("VOLUME")).toEqual(['["/data"]']);
    // With Node's flags as npm start has them.
    const start = manifest.scripts.start!.replace(/^exec /, "").split(" ");
    expect(start.slice(-2)).toEqual(["bundle/start.js", "serve"]);
    expect(JSON.parse(imageSays("ENTRYPOINT")[0]!)).toEqual([...start.slice(0, -2), "/app/bin/reprise.js"]);
    expect((JSON.parse(imageSays("CMD")[0]!) as readonly string[])[0]).toBe("serve");
    expect(imageSays("HEALTHCHECK").join()).toContain("/app/bin/health.js");
    expect(imageSays("EXPOSE")).toEqual([]);
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
