import type { Command } from "commander";
import { archiveExamples } from "./archive-examples.ts";
import { viewsExamples } from "./views-examples.ts";

const event = "018f2b2e-7c4a-7d3b-8a1e-0123456789ab";
const delivery = "5b6f0a3e-2a41-5c0e-9a57-6d1d3a0c7b42";
const replay = "018f2b2e-9999-7d3b-8a1e-0123456789ab";
const plan = "018f2b2e-8888-7d3b-8a1e-0123456789ab";

/** Shown below the help of each command, by the command's words. */
const examples: Readonly<Record<string, string>> = {
  ...archiveExamples,
  ...viewsExamples,
  "": `
  reprise serve
  reprise status
  reprise dlq ls --since 1h
  reprise replay run --handler ledger`,
  init: `
  reprise init
  reprise init shop --compose`,
  add: `
  reprise add event order.shipped
  reprise add version order.placed`,
  "add event": `
  reprise add event order.shipped`,
  "add version": `
  reprise add version order.placed`,
  serve: `
  reprise serve --config shop/reprise.config.ts
  reprise serve --log sqlite:/var/lib/reprise --port 4680`,
  status: `
  reprise status
  reprise status -o json`,
  append: `
  reprise append --type order.placed --entity order/o-1 --data '{"totalCents":995}'
  reprise append events.ndjson`,
  events: `
  reprise events ls --since 1h
  reprise events show ${event}
  reprise events follow`,
  "events ls": `
  reprise events ls --entity order/o-1
  reprise events ls --event-type order.placed --since 1h --until 30m`,
  "events follow": `
  reprise events follow
  reprise events follow --types deliveries -o ndjson
  reprise events follow --entity order/o-1 --after 0`,
  logs: `
  reprise logs ${event}
  reprise logs ${event} -o json`,
  "events show": `
  reprise events show ${event}
  reprise events show ${event} -o json`,
  entities: `
  reprise entities ls --lane-state blocked
  reprise entities show order/o-1`,
  "entities ls": `
  reprise entities ls --lane-state blocked --handler ledger
  reprise entities ls --entity-type order -q`,
  "entities show": `
  reprise entities show order/o-1`,
  "entities events": `
  reprise entities events order/o-1
  reprise entities events order/o-1 --direction backward --limit 10`,
  "entities pause": `
  reprise entities pause order/o-1 --handler ledger --reason 'the customer is asked'`,
  "entities resume": `
  reprise entities resume order/o-1`,
  "entities retry": `
  reprise entities retry order/o-1 --handler ledger`,
  dlq: `
  reprise dlq stats
  reprise dlq ls --handler ledger --since 1h
  reprise dlq replay ${event} --reason 'the bank is back'`,
  "dlq ls": `
  reprise dlq ls --handler ledger --error TypeError
  reprise dlq ls --since 1h -o ndjson`,
  "dlq show": `
  reprise dlq show ${event} --handler ledger
  reprise dlq show ${delivery}`,
  "dlq stats": `
  reprise dlq stats --handler ledger --since 1d`,
  "dlq replay": `
  reprise dlq replay ${event} --reason 'the bank is back'
  reprise dlq replay --error HttpError --max 500 --rate 10 --yes`,
  "dlq amend": `
  reprise dlq amend ${event} --data '{"totalCents":995}' --reason 'it was in euros'
  reprise dlq amend ${event} --data @event.json --reason typo`,
  "dlq give-up": `
  reprise dlq give-up ${delivery} --reason 'the account is closed'`,
  "dlq discard": `
  reprise dlq discard ${event} --reason 'test data'
  reprise dlq discard --error TypeError --max 500 --reason 'test data' --yes`,
  escalations: `
  reprise escalations ls
  reprise escalations approve ${delivery} --reason 'the customer has called'`,
  "escalations ls": `
  reprise escalations ls --handler payment
  reprise escalations ls --status all -o ndjson`,
  "escalations show": `
  reprise escalations show ${delivery}`,
  "escalations approve": `
  reprise escalations approve ${delivery} --reason 'the customer has called'`,
  "escalations reject": `
  reprise escalations reject ${delivery} --reason 'it was refunded by hand'`,
  replay: `
  reprise replay run --handler ledger
  reprise replay ls
  reprise replay watch ${replay}`,
  "replay plan": `
  reprise replay plan --handler ledger --since 1h --rate 10
  reprise replay plan --history ledger --entity order/o-1`,
  "replay run": `
  reprise replay run --handler ledger
  reprise replay run --error HttpError --since 1h --rate 10 --canary 5 --reason 'the bank is back'
  reprise replay run ${plan} --reason 'the bank is back'`,
  "replay ls": `
  reprise replay ls
  reprise replay ls --limit 5 -o json`,
  "replay show": `
  reprise replay show ${replay} --report
  reprise replay show ${plan}`,
  "replay watch": `
  reprise replay watch ${replay}`,
  "replay pause": `
  reprise replay pause ${replay} --reason 'the bank is slow'`,
  "replay resume": `
  reprise replay resume ${replay}`,
  "replay cancel": `
  reprise replay cancel ${replay} --reason 'the cause is still there'`,
  "replay rate": `
  reprise replay rate ${replay} 20
  reprise replay rate ${replay} none`,
  handlers: `
  reprise handlers ls
  reprise handlers pause ledger --reason 'the bank is down'`,
  integrations: `
  reprise integrations ls
  reprise integrations reset bank`,
  "integrations ls": `
  reprise integrations ls
  reprise integrations ls -o json`,
  "integrations isolate": `
  reprise integrations isolate bank --reason 'it charges twice'`,
  "integrations reset": `
  reprise integrations reset bank --reason 'the bank has repaired it'`,
  errors: `
  reprise errors ls --state open
  reprise errors resolve v1:4be1c3f2a09d7e65 --build 1.4.3 --reason 'mended'`,
  "errors ls": `
  reprise errors ls --state open --handler ledger
  reprise errors ls --error-like 'no stock' --since 7d`,
  "errors show": `
  reprise errors show v1:4be1c3f2a09d7e65`,
  "errors resolve": `
  reprise errors resolve v1:4be1c3f2a09d7e65 --build 1.4.3 --reason 'mended'`,
  "errors ignore": `
  reprise errors ignore v1:4be1c3f2a09d7e65 --until 7d --reason 'the bank knows'`,
  "errors reopen": `
  reprise errors reopen v1:4be1c3f2a09d7e65 --reason 'it is not mended'`,
  "handlers ls": `
  reprise handlers ls
  reprise handlers ls -o json`,
  "handlers pause": `
  reprise handlers pause ledger --reason 'the bank is down'`,
  "handlers resume": `
  reprise handlers resume ledger`,
  cluster: `
  reprise cluster ls
  reprise cluster drain web-1.00c0ffee --reason 'a new build'`,
  "cluster ls": `
  reprise cluster ls
  reprise cluster ls -o json`,
  "cluster drain": `
  reprise cluster drain web-1.00c0ffee --reason 'a new build'`,
  "handlers retire": `
  reprise handlers retire mailer --reason 'shipping sends the mails now'`,
  "handlers repair": `
  reprise handlers repair ledger --reason 'a script wrote there'`,
  "handlers repartition": `
  reprise handlers repartition ledger --partitions 16 --reason 'four instances share it now'`,
  completion: `
  source <(reprise completion bash)
  reprise completion fish > ~/.config/fish/completions/reprise.fish`,
  copy: `
  reprise copy --from sqlite:./data --to 'esdb://127.0.0.1:2113?tls=false' --verify`,
  doctor: `
  reprise doctor
  reprise doctor --log esdb://db:2113 -o json`,
  keys: `
  reprise keys create --file keys.json --name anna --tenant default --role operate
  reprise keys ls --file keys.json`,
  "keys create": `
  reprise keys create --file keys.json --name triage-agent --tenant default --role append --source triage-agent
  reprise keys create --file keys.json --name anna --tenant '*' --role admin --expires 90d`,
  "keys ls": `
  reprise keys ls --file keys.json`,
  "keys rotate": `
  reprise keys rotate Ab12Cd34 --file keys.json
  reprise keys rotate --finish Ab12Cd34 --file keys.json`,
  "keys revoke": `
  reprise keys revoke Ab12Cd34 --file keys.json`,
  log: `
  reprise log check --log sqlite:./data`,
  "log check": `
  reprise log check
  reprise log check --log sqlite:/backups/2026-07-01 -o json`,
  "log user": `
  reprise log user --log 'esdb://admin:changeit@db:2113?tlsCAFile=ca.crt' --password-file log-password
  reprise log user --log 'esdb://admin:changeit@db:2113?tlsCAFile=ca.crt' --user reprise --password-file log-password --alone`,
  backup: `
  reprise backup --log sqlite:./data --to /backups/2026-07-01`,
  schema: `
  reprise schema check
  reprise schema diff order.placed 1 2`,
  "schema check": `
  reprise schema check
  reprise schema check --log sqlite:./data`,
  "schema lock": `
  reprise schema lock
  reprise schema lock --rewrite order.placed@2`,
  "schema census": `
  reprise schema census --log sqlite:./data`,
  "schema show": `
  reprise schema show
  reprise schema show order.placed 1`,
  "schema diff": `
  reprise schema diff order.placed 1 2`,
  verify: `
  reprise verify received.ndjson
  reprise verify received.ndjson --ordering relaxed`,
  export: `
  reprise export dlq --handler ledger --since 1h
  reprise export entity order/o-1`,
  "export dlq": `
  reprise export dlq --handler ledger --since 1h`,
  "export entity": `
  reprise export entity order/o-1`,
};

/** Adds its examples to the help of each command below this one. */
export function addExamples(command: Command, path: readonly string[] = []): void {
  const lines = examples[path.join(" ")];
  if (lines !== undefined) command.addHelpText("after", `\nExamples:${lines}`);
  for (const inner of command.commands) addExamples(inner, [...path, inner.name()]);
}
