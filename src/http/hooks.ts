import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

/** Returns null, or resolves when the request may go on. It throws, or rejects, to refuse it. */
type Look = (request: FastifyRequest, reply: FastifyReply) => Promise<void> | null;

/** Returns null, or resolves with what is sent in place of `payload`. */
type LookAtAnswer = (request: FastifyRequest, reply: FastifyReply, payload: unknown) => Promise<unknown> | null;

type Done = (error?: Error) => void;
type AnswerDone = (error: Error | null, payload?: unknown) => void;

const looksOf = new WeakMap<FastifyInstance, Look[]>();
const answerLooksOf = new WeakMap<FastifyInstance, LookAtAnswer[]>();

/**
 * Adds what is done with each request before its body is read, and seldom has to wait. An async hook makes some promises for each request; of four such hooks
 * they were a fifth of the work of a small append. All looks of a server are one hook, in the order in which they are added.
 */
export function onEachRequest(app: FastifyInstance, look: Look): void {
  const before = looksOf.get(app);
  if (before !== undefined) return void before.push(look);
  const looks = [look];
  looksOf.set(app, looks);
  app.addHook("onRequest", (request, reply, done) => lookFrom(0, looks, request, reply, done));
}

/** The same with each answer, before it is sent. */
export function onEachAnswer(app: FastifyInstance, look: LookAtAnswer): void {
  const before = answerLooksOf.get(app);
  if (before !== undefined) return void before.push(look);
  const looks = [look];
  answerLooksOf.set(app, looks);
  app.addHook<unknown>("onSend", (request, reply, payload, done) => lookAtAnswerFrom(0, looks, request, reply, payload, done));
}

function lookFrom(first: number, looks: readonly Look[], request: FastifyRequest, reply: FastifyReply, done: Done): void {
  try {
    for (let at = first; at < looks.length; at++) {
      const wait = looks[at]!(request, reply);
      if (wait !== null) return void wait.then(() => lookFrom(at + 1, looks, request, reply, done), done);
    }
  } catch (error) {
    return void done(error as Error);
  }
  done();
}

function lookAtAnswerFrom(
  first: number,
  looks: readonly LookAtAnswer[],
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
  done: AnswerDone,
): void {
  try {
    for (let at = first; at < looks.length; at++) {
      const other = looks[at]!(request, reply, payload);
      if (other !== null) return void other.then((instead) => lookAtAnswerFrom(at + 1, looks, request, reply, instead, done), done);
    }
  } catch (error) {
    return void done(error as Error);
  }
  done(null, payload);
}
