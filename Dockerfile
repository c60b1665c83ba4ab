# Reprise in a container: the bundled sources, their run-time dependencies, and nothing else. No port is exposed here: which one it is, REPRISE_PORT says.
# Without API keys it listens on loopback only, which is the container's own: give it keys, as docker-compose.yml does.
FROM node:24.21.0-alpine@sha256:ebfe2f90462722a7a4de65e91990e97fe0d401c70e0e762c5b53302f905ec1c1 AS build
WORKDIR /build
COPY package.json package-lock.json ./
# No scripts: the dev dependency `node` would fetch a second Node, and this image is one.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY bundle ./bundle
# As `npm run build` does.
RUN node node_modules/typescript/bin/tsc -p tsconfig.build.json && cp -R src/http/page dist/http/page && node src/console/build.ts dist/console && node bundle/build.ts dist

FROM node:24.21.0-alpine@sha256:ebfe2f90462722a7a4de65e91990e97fe0d401c70e0e762c5b53302f905ec1c1 AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# The client of a log server, which the package leaves to those who have one, is in the image, at the version of the lockfile.
RUN npm pkg set "dependencies[@eventstore/db-client]=$(npm pkg get 'devDependencies[@eventstore/db-client]' | tr -d '\"')" \
    && npm pkg delete 'devDependencies[@eventstore/db-client]'
RUN npm ci --omit=dev --ignore-scripts

FROM node:24.21.0-alpine@sha256:ebfe2f90462722a7a4de65e91990e97fe0d401c70e0e762c5b53302f905ec1c1
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
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["node", "/app/bin/health.js"]
STOPSIGNAL SIGTERM
# Node itself takes SIGTERM: no shell and no npm in between.
# The flags keep the heap small, as npm start has them: docs/operating.md, Memory.
ENTRYPOINT ["node", "--max-semi-space-size=16", "--heap-growing-percent=50", "--no-allocation-site-pretenuring", "/app/bin/reprise.js"]
CMD ["serve", "--config", "/config/reprise.config.ts"]
