# Reprise in a container: the compiled sources, their run-time dependencies, and nothing else.
# Without API keys it listens on loopback only, so it belongs into the host's network (docker-compose.yml says how), and no port is exposed here.
FROM node:24.21.0-alpine AS build
WORKDIR /build
COPY package.json package-lock.json ./
# No scripts: the dev dependency `node` would fetch a second Node, and this image is one.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN node node_modules/typescript/bin/tsc -p tsconfig.build.json

FROM node:24.21.0-alpine AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:24.21.0-alpine
# The config is mounted at /config; its folder says that it is made of ES modules. SQLite's temporary files follow the data: /tmp may be small.
RUN mkdir /data /config && echo '{ "type": "module" }' > /config/package.json && chown 1000:1000 /data
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY package.json ./
COPY bin ./bin
ENV NODE_ENV=production \
    REPRISE_DATA=/data \
    REPRISE_LOG=sqlite:/data \
    SQLITE_TMPDIR=/data
VOLUME ["/data"]
USER 1000:1000
# Alive, not ready: a log that is away for a while is no reason to start Reprise again.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.REPRISE_PORT || 4680}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
# Node itself takes SIGTERM: no shell and no npm in between.
# The two flags keep the heap small, as npm start has them: docs/operating.md, Memory.
ENTRYPOINT ["node", "--max-semi-space-size=8", "--heap-growing-percent=50", "/app/bin/reprise.js"]
CMD ["serve", "--config", "/config/reprise.config.ts"]
