import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as overHttp, type Server } from "node:http";
import { createServer as overTls } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { answerTo } from "../support/cli.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

async function listening(server: Server, scheme: string): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function ownCertificate(): { cert: Buffer; key: Buffer } {
  const folder = temporaryFolder();
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert, "-subj", "/CN=x"], {
    stdio: "ignore",
  });
  return { cert: readFileSync(cert), key: readFileSync(key) };
}

it("a certificate that nobody vouches for is no reason to start a service", async () => {
  const url = await listening(
    overTls(ownCertificate(), (_, answer) => answer.end()),
    "https",
  );
  const { code, stderr } = await answerTo(["status"], { url });
  expect(code).toBe(5);
  expect(stderr).toContain("DEPTH_ZERO_SELF_SIGNED_CERT");
  expect(stderr).toContain("NODE_EXTRA_CA_CERTS");
  expect(stderr).not.toContain("reprise serve");
});

it.each(["http", "https"] as const)("an address with %s, where the other one is spoken, says so", async (scheme) => {
  const [server, other] =
    scheme === "https" ? [overHttp((_, answer) => answer.end()), "http"] : [overTls(ownCertificate(), (_, answer) => answer.end()), "https"];
  const { code, stderr } = await answerTo(["status"], { url: await listening(server as Server, scheme) });
  expect(code).toBe(5);
  expect(stderr).toContain(`write ${other}://`);
});

it("where nothing listens, a service is to be started", async () => {
  const server = overHttp();
  const url = await listening(server, "http");
  await new Promise((closed) => server.close(closed));
  const { code, stderr } = await answerTo(["status"], { url });
  expect({ code, stderr }).toEqual({ code: 5, stderr: expect.stringMatching(/ECONNREFUSED\nStart it with `reprise serve`/) });
});
