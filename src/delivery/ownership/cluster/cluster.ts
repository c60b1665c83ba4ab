/** This instance's part in a cluster: it runs the steward's rules on the log, and on the seats that this process has. */
import { RepriseError } from "../../../errors.ts";
import type { Clock } from "../../../event/clock.ts";
import type { NewId } from "../../../event/ids.ts";
import { journalStream } from "../../../event/names.ts";
import { oncePerTurn } from "../../../event/once-per-turn.ts";
import { backOff, pause, within } from "../../../event/waits.ts";
import type { EventLog } from "../../../log/event-log.ts";
import type { Act } from "../../../records/act.ts";
import type { DeliveryLogger } from "../../delivery-logger.ts";
import type { PartitionSeat } from "../partition-seat.ts";
import { partitionKey } from "../rules/cluster-state.ts";
import { type SeatView, Steward, type Todo } from "../rules/steward.ts";
import { ClusterRecords } from "./cluster-records.ts";
import { type ClusterStream, makeClusterStream } from "./cluster-stream.ts";
import { Divisions } from "./divisions.ts";
import { Holders } from "./holders.ts";
import { Looks } from "./looks.ts";
import { Membership } from "./membership.ts";
import { OwnBeats } from "./own-beats.ts";
import { SeatMoves } from "./seat-moves.ts";
import { type ClusterView, showCluster } from "./show-cluster.ts";
import { Standstills } from "./standstills.ts";

export interface ClusterOptions {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly logger: DeliveryLogger;
  /** Part of this instance's id. */
  readonly name: string;
  /** Id of the process. */
  readonly life: string;
  readonly build: string;
  readonly catalog: string;
  readonly seats: () => readonly PartitionSeat[];
  /** Told when what may start has changed. */
  readonly onChange: () => void;
  /** Told when members may have come or gone. */
  readonly onMembers: () => void;
  /** What has to be stored before it says that it has left. */
  readonly beforeLeaving: () => Promise<void>;
}

const lookMs = 1000;
const actMs = 500;
const startWaits = { firstMs: 200, lastMs: 2000 };
/** Within a stop, for the records of the cluster. */
const maxRecordMs = 1500;

export class Cluster {
  readonly membership: Membership;
  readonly divisions: Divisions;
  readonly #options: ClusterOptions;
  readonly #steward: Steward;
  readonly #stream: ClusterStream;
  readonly #holders: Holders;
  readonly #beats: OwnBeats;
  readonly #moves: SeatMoves;
  readonly #looks: Looks;
  readonly #records: ClusterRecords;
  readonly #leaving = new AbortController();
  #isLeaving = false;
  #stopping: Promise<void> | null = null;

  constructor(options: ClusterOptions) {
    this.#options = options;
    const { log, clock, newId, life, onChange, onMembers } = options;
    const { signal } = this.#leaving;
    const steward = new Steward(clock.monotonicMs());
    const stream = makeClusterStream(log, newId);
    [this.#steward, this.#stream] = [steward, stream];
    const look = () => void this.#looks.look();
    const act = oncePerTurn(() => this.#act());
    this.#holders = new Holders({ log, clock, signal, onNews: (events) => this.#looks.came(events) });
    const onAcknowledged = (sentMs: number) => steward.acknowledged(sentMs, clock.monotonicMs());
    const standstills = new Standstills(options.seats);
    const says = () => standstills.says();
    this.#beats = new OwnBeats({ beats: log.beats!, clock, life, says, signal, onAcknowledged });
    this.#moves = new SeatMoves({ ...options, onMoved: act, onKept: (key) => steward.kept(key) });
    const onLooked = (changed: boolean) => {
      act();
      if (!changed) return;
      onChange();
      onMembers();
    };
    const onSaid = (said: ReadonlyMap<string, unknown>) => standstills.heard(said);
    this.#looks = new Looks({ steward, stream, beats: this.#beats, clock, life, signal, onSaid, onLooked });
    this.membership = new Membership({ ...options, steward, holders: this.#holders, standstills, look: () => this.#looks.look() });
    this.#records = new ClusterRecords({ ...options, steward, stream, onStored: look });
    this.divisions = new Divisions({ log, clock, signal, steward, records: this.#records, holders: this.#holders, onLearned: act });
  }

  /** Its id as a member. */
  get instance(): string {
    return this.#steward.me ?? this.#options.name;
  }

  mayStart(handler: string, of: number, partition: number): boolean {
    return !this.#isLeaving && this.#steward.mayStart(this.#options.clock.monotonicMs(), partitionKey(handler, of, partition));
  }

  /** An operator, or this process as it stops, has it give away what it has. */
  get isDraining(): boolean {
    return this.#isLeaving || this.#steward.state.members.get(this.instance)?.state === "draining";
  }

  shown(): ClusterView {
    const { standstills } = this.membership;
    return showCluster(this.instance, this.#steward.state, { holderOf: (journal) => this.#holders.of(journal), standstills });
  }

  /** Begins to take part. Partitions come from then on. @throws LOG_UNAVAILABLE */
  async start(): Promise<void> {
    void this.#beats.run();
    await this.#holders.start(this.#options.seats());
    for (const event of await this.#stream.news(-1)) this.#steward.seen(event, this.#options.clock.monotonicMs());
    this.#act();
    void this.#run(lookMs, () => this.#looks.look());
    void this.#run(
      actMs,
      oncePerTurn(() => this.#act()),
    );
  }

  /** Has an instance give away its partitions, for good. @returns false when it does so already. @throws NOT_FOUND, LOG_UNAVAILABLE */
  async drain(instance: string, act: Act): Promise<boolean> {
    for (let failures = 0; ; failures++) {
      await this.#looks.look();
      const member = this.#steward.state.members.get(instance);
      if (member === undefined) throw new RepriseError("NOT_FOUND", `There is no instance ${instance} now. \`reprise cluster ls\` lists those that there are.`);
      if (member.state === "draining") return false;
      if (await this.#stream.append({ type: "member.draining", data: { instance, by: this.instance, act } }, this.#steward.state.generation)) break;
      await backOff(failures, startWaits, this.#options.clock, this.#leaving.signal);
    }
    await this.#looks.look();
    return true;
  }

  /** Says that it stops, lets go of all within `patienceMs`, and leaves. */
  stop(patienceMs: number): Promise<void> {
    this.#stopping ??= this.#stop(patienceMs);
    return this.#stopping;
  }

  async #stop(patienceMs: number): Promise<void> {
    this.#isLeaving = true;
    this.#options.onChange();
    const { me, state } = this.#steward;
    if (me !== null && state.members.has(me)) {
      const stop = this.#records.must({ type: "member.draining", data: { instance: me, by: me } }, maxRecordMs);
      await Promise.all([stop, this.#moves.releaseAll(patienceMs)]);
      await within(this.#options.beforeLeaving(), maxRecordMs, this.#options.clock, () => {});
      await this.#records.must({ type: "member.left", data: { instance: me, by: me, why: "clean" } }, maxRecordMs);
    }
    this.#leaving.abort();
  }

  async #run(everyMs: number, what: () => unknown): Promise<void> {
    const { clock } = this.#options;
    while (!this.#leaving.signal.aborted) {
      await what();
      await pause(everyMs, clock, this.#leaving.signal);
    }
  }

  #act(): void {
    if (this.#leaving.signal.aborted) return;
    const views = this.#options.seats().map((seat): SeatView => {
      const { handler, of, partition, oldestCallMs } = seat;
      const key = partitionKey(handler, of, partition);
      return { key, state: this.#moves.stateOf(key, seat), oldestCallMs, holder: this.#holders.of(journalStream(handler, of, partition)) };
    });
    this.divisions.look(this.#options.seats());
    for (const todo of this.#steward.next(this.#options.clock.monotonicMs(), views)) this.#do(todo);
  }

  #do(todo: Todo): void {
    if (todo.kind === "join") this.#join(todo.anew);
    else if (this.#isLeaving) return;
    else if (todo.kind === "return") this.#records.return(this.instance);
    else if (todo.kind === "move") this.#records.try({ type: "partitions.moved", data: { by: this.instance, moves: todo.moves } });
    else if (todo.kind === "accuse") this.#records.try({ type: "member.left", data: { instance: todo.instance, by: this.instance, why: "silent" } });
    else this.#moves.do(todo);
  }

  #join(anew: boolean): void {
    if (this.#records.isAppending || this.#isLeaving) return;
    const { name, life, build, catalog, newId, seats } = this.#options;
    if (anew) this.#steward.named(`${name}.${newId().replaceAll("-", "").slice(-8)}`);
    const partitions: Record<string, number> = {};
    for (const { handler, of } of seats()) partitions[handler] = of;
    this.#records.try({ type: "member.joined", data: { instance: this.instance, build, catalog, weight: 1, life, partitions } });
  }
}
