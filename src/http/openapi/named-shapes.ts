/** The shapes that the document names, and a generated client after it. Others are named after their route. */
import type { z } from "zod";
import { restoreReply, restoreRequest, segmentReply, segmentsReply } from "../wire/archive.ts";
import { archiveRunReply, archiveRunRequest } from "../wire/archive-runs.ts";
import { cloudEventBody } from "../wire/cloud-event.ts";
import { cloudEventBatchBody } from "../wire/cloud-event-batch.ts";
import { cloudEventBatchReply, cloudEventReply } from "../wire/cloud-event-reply.ts";
import { clusterReply, drainReply } from "../wire/cluster.ts";
import { sessionEndedReply, sessionReply, sessionRequest } from "../wire/console.ts";
import * as lettersAsked from "../wire/dead-letters.ts";
import * as letters from "../wire/dead-letters-replies.ts";
import { attemptReply, deliveryReply, givenUpReply } from "../wire/deliveries.ts";
import { entitiesReply, entityEventsReply, entityReply, laneActReply, laneActRequest } from "../wire/entities.ts";
import { errorGroupActReply, errorGroupDetailReply, errorGroupsReply, ignoreRequest, resolveRequest } from "../wire/error-groups.ts";
import * as escalations from "../wire/escalations.ts";
import { appendReply, appendRequest, eventReply, eventRequest, eventsReply } from "../wire/events.ts";
import { integrationActReply, integrationsReply } from "../wire/integrations.ts";
import { step, stored } from "../wire/lifted.ts";
import { actRequest, finalActRequest } from "../wire/members.ts";
import { planReply, planRequest } from "../wire/plans.ts";
import { rateRequest, startReplayRequest } from "../wire/replays.ts";
import * as replays from "../wire/replays-replies.ts";
import { failure } from "../wire/reply-members.ts";
import * as service from "../wire/service.ts";

export const namedRequests: Readonly<Record<string, z.ZodType>> = {
  NewEvent: eventRequest,
  Append: appendRequest,
  CloudEvent: cloudEventBody,
  CloudEventBatch: cloudEventBatchBody,
  Act: actRequest,
  FinalAct: finalActRequest,
  LaneAct: laneActRequest,
  ReplayLetter: lettersAsked.replayRequest,
  AmendLetter: lettersAsked.amendRequest,
  DiscardLetter: lettersAsked.discardRequest,
  ReplayLetters: lettersAsked.replayBatchRequest,
  DiscardLetters: lettersAsked.discardBatchRequest,
  ResolveErrorGroup: resolveRequest,
  IgnoreErrorGroup: ignoreRequest,
  PlanReplay: planRequest,
  StartReplay: startReplayRequest,
  ChangeRate: rateRequest,
  RunArchive: archiveRunRequest,
  Restore: restoreRequest,
  LogIn: sessionRequest,
};

export const namedReplies: Readonly<Record<string, z.ZodType>> = {
  ArchiveRun: archiveRunReply,
  Appended: appendReply,
  Event: eventReply,
  Events: eventsReply,
  CloudEventRead: cloudEventReply,
  CloudEventBatchRead: cloudEventBatchReply,
  Delivery: deliveryReply,
  Attempt: attemptReply,
  Failure: failure,
  Escalation: escalations.escalationReply,
  Escalations: escalations.escalationsReply,
  EscalationDecided: escalations.escalationActReply,
  Stored: stored,
  Step: step,
  Entity: entityReply,
  Entities: entitiesReply,
  EntityEvents: entityEventsReply,
  LaneActed: laneActReply,
  DeadLetter: letters.deadLetterReply,
  DeadLetters: letters.deadLettersReply,
  DeadLetterDetail: letters.deadLetterDetailReply,
  DeadLetterStats: letters.deadLetterStatsReply,
  LetterActed: letters.letterActReply,
  LetterReplayed: letters.replayedReply,
  LettersReplayed: letters.replayBatchReply,
  LettersDiscarded: letters.discardBatchReply,
  GivenUp: givenUpReply,
  ErrorGroups: errorGroupsReply,
  ErrorGroupDetail: errorGroupDetailReply,
  ErrorGroupActed: errorGroupActReply,
  Plan: planReply,
  Replay: replays.replayReply,
  Replays: replays.replaysReply,
  ReplayStarted: replays.replayStartedReply,
  ReplayActed: replays.replayActReply,
  ReplayReport: replays.replayReportReply,
  HandlerActed: service.handlerActReply,
  HandlerRetired: service.retiredReply,
  HandlerRepaired: service.handlerRepairReply,
  Handlers: service.handlersReply,
  Integrations: integrationsReply,
  IntegrationActed: integrationActReply,
  Segment: segmentReply,
  Segments: segmentsReply,
  Cluster: clusterReply,
  InstanceDrained: drainReply,
  Restored: restoreReply,
  Schemas: service.schemasReply,
  JsonSchema: service.jsonSchemaReply,
  OpenApi: service.openApiReply,
  RebuildBegun: service.rebuildReply,
  Health: service.healthReply,
  Ready: service.readyReply,
  Session: sessionReply,
  SessionEnded: sessionEndedReply,
};
