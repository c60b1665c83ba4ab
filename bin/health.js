#!/usr/bin/env node
// The health check of the container: whether the service of this container's environment answers on /healthz. Exit 0: it does. Alive is not ready: a log that
// is away for a while is no reason to start Reprise again.
import { request as overHttp } from "node:http";
import { request as overTls } from "node:https";

const { REPRISE_HOST: host = "", REPRISE_PORT: port = "", REPRISE_TLS_CERT: certificate = "" } = process.env;
// A service that listens everywhere is asked on this machine.
const everywhere = { "": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1", "[::]": "::1" };
const request = certificate === "" ? overHttp : overTls;
const asked = request({
  host: (everywhere[host] ?? host).replace(/^\[(.*)\]$/, "$1"),
  port: port || 4680,
  path: "/healthz",
  rejectUnauthorized: false, // its certificate names it as others know it, and not as this machine
  signal: AbortSignal.timeout(4000),
});
const end = (code) => process.exit(code);
asked.on("response", ({ statusCode }) => end(statusCode === 200 ? 0 : 1));
asked.on("error", () => end(1));
asked.end();
