import type { AlertDefinition } from "../alerts/alert-definition.ts";
import type { AlertSpec } from "../alerts/alert-spec.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { EventDefinition, UpcasterChain } from "../catalog/define.ts";
import { makeCatalog } from "../catalog/make-catalog.ts";
import { type MigrationDefinition, type Migrations, makeMigrations } from "../catalog/migration.ts";
import type { HandlerDefinition } from "../delivery/handler.ts";
import type { HandlerSpec } from "../delivery/handler-spec.ts";
import type { IntegrationDefinition } from "../delivery/integration-definition.ts";
import type { IntegrationSpec } from "../delivery/integration-spec.ts";
import { type DeliveryLimits, defaultDeliveryLimits } from "../delivery/limits.ts";
import { isRepriseError, RepriseError } from "../errors.ts";
import { messageOf, typeOf } from "../event/thrown.ts";
import { isThrownByUser, userPlaceOf } from "../event/user-place.ts";
import {
  type ArchiveCredentials,
  defaultRetentionPace,
  type RetentionDefinitions,
  type RetentionPace,
  type RetentionRule,
} from "../retention/retention-rule.ts";
import { configShape } from "./config-shape.ts";
import { defined } from "./defined.ts";
import { makeAlertSpecs } from "./make-alert.ts";
import { makeIntegrations } from "./make-integration.ts";
import { makeRetentionRules } from "./make-retention.ts";
import { makeSpec } from "./make-spec.ts";
import { invalid, refuse, show } from "./refuse.ts";

/** The parts of one Reprise: the default export of a config file. */
export interface Config {
  /** All event types, made by `defineEvent`. */
  readonly events: readonly EventDefinition[];
  /** The steps of every type that has more than one version, made by `defineUpcasters`. */
  readonly upcasters?: readonly UpcasterChain[];
  /** One-off repairs of dead letters, made by `defineMigration`; an operator names one when replaying. */
  readonly migrations?: readonly MigrationDefinition[];
  /** Made by `defineHandler` and `webhookHandler`. */
  readonly handlers?: readonly HandlerDefinition[];
  /** What handlers call and share, made by `defineIntegration`. */
  readonly integrations?: readonly IntegrationDefinition[];
  /** Who is told when something is wrong, and when it is well again. At most 100. */
  readonly alerts?: readonly AlertDefinition[];
  /** By entity type: how long events stay in the log, and the archive that they go to. A type that is not named keeps all its events. */
  readonly retention?: RetentionDefinitions;
  /** Gives the credentials for archives in a bucket. Default: those of the environment, or of the file that AWS' tools read. */
  readonly archiveCredentials?: ArchiveCredentials;
  /** When events are archived, and how fast. */
  readonly retentionPace?: RetentionPace;
  /**
   * Which build of the project this is, as error groups name it: "1.4.2", a commit. At most 64 characters. Default: REPRISE_BUILD where the service is
   * started by `reprise serve`, else Reprise's own version.
   */
  readonly build?: string;
  /** Limits of each handler's memory, records and waits. A limit that is left out keeps its default. */
  readonly limits?: Partial<DeliveryLimits>;
}

/** A config that `checkConfig` has accepted. */
export interface CheckedConfig {
  readonly catalog: Catalog;
  readonly migrations: Migrations;
  readonly handlers: readonly HandlerSpec[];
  /** Those of the config, and those that handlers have to themselves. */
  readonly integrations: readonly IntegrationSpec[];
  readonly alerts: readonly AlertSpec[];
  readonly limits: DeliveryLimits;
  readonly retention: readonly RetentionRule[];
  readonly retentionPace: Required<RetentionPace>;
  readonly archiveCredentials: ArchiveCredentials | undefined;
  /** Of the project; null: the config does not say. */
  readonly build: string | null;
}

/** A config whose event types the compiler knows: its handlers may name no others. */
export interface TypedConfig<E extends readonly EventDefinition[]> extends Config {
  readonly events: E;
  readonly handlers?: readonly HandlerDefinition<NoInfer<E[number]["type"]> | "*">[];
}

/** Gives a config file its types; it is checked when the service starts or the store opens. */
export function defineConfig<const E extends readonly EventDefinition[]>(config: TypedConfig<E>): Config {
  return config;
}

/**
 * Checks all of a config, builds its catalog and fills in the handlers' defaults.
 *
 * @throws CONFIG_INVALID naming the field, its value (never that of a secret or header) and the fix, and what `makeCatalog` throws.
 */
export function checkConfig(config: Config): CheckedConfig {
  try {
    return check(config);
  } catch (error) {
    // A getter in the user's config threw.
    if (isRepriseError(error) || !isThrownByUser(error)) throw error;
    throw new RepriseError("CONFIG_INVALID", `The config cannot be read at ${userPlaceOf(error)}: ${typeOf(error)}: ${messageOf(error)}`, { cause: error });
  }
}

function check(config: Config): CheckedConfig {
  const shape = configShape.safeParse(config);
  if (!shape.success) throw refuse(shape.error, config);
  const {
    events,
    upcasters = [],
    migrations = [],
    handlers = [],
    integrations = [],
    alerts = [],
    limits,
    build = null,
    retention = {},
    retentionPace,
    archiveCredentials,
  } = config;
  const catalog = makeCatalog({ events, upcasters });
  checkMigrations(migrations, events, catalog);
  const shared = makeIntegrations(integrations);
  const names = new Map<string, number>();
  const specs = handlers.map((handler, index) => {
    const twin = names.get(handler.name);
    if (twin !== undefined)
      throw invalid(`handlers[${index}].name`, `is ${show(handler.name)}, the name of handlers[${twin}] too: give each handler a name of its own`);
    names.set(handler.name, index);
    return makeSpec(handler, `handlers[${index}]`, catalog, shared);
  });
  const own = specs.flatMap(({ integration }) => (integration === null || shared.has(integration.name) ? [] : [integration]));
  const all = [...shared.values(), ...own];
  const parts = { catalog, migrations: makeMigrations(catalog, migrations), handlers: specs, integrations: all, build, archiveCredentials };
  const known = { handlers: [...names.keys()], integrations: all.map(({ name }) => name) };
  const times = { retention: makeRetentionRules(retention), retentionPace: { ...defaultRetentionPace, ...defined(retentionPace ?? {}) } };
  return { ...parts, ...times, alerts: makeAlertSpecs(alerts, known), limits: { ...defaultDeliveryLimits, ...defined(limits ?? {}) } };
}

/** Each has a name of its own, and an event type and version that the catalog has. */
function checkMigrations(migrations: readonly MigrationDefinition[], events: readonly EventDefinition[], catalog: Catalog): void {
  const names = new Set<string>();
  for (const [index, { name, event, version }] of migrations.entries()) {
    const place = `migrations[${index}]`;
    if (names.has(name)) throw invalid(`${place}.name`, `is ${show(name)}, the name of an earlier one too: give each migration a name of its own`);
    names.add(name);
    if (!events.includes(event)) throw invalid(`${place}.event`, `is ${show(event.type)}, whose definition is not in \`events\`: list it there`);
    const { versions } = catalog.describe(event.type)!;
    if (!versions.includes(version)) throw invalid(`${place}.version`, `is ${show(version)}: ${event.type} has versions ${versions.join(", ")}`);
  }
}
