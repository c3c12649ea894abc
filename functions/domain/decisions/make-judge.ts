import type { Call } from '../call.ts';
import type { Content, Subject } from '../content/content.ts';
import { SignetError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import type { PolicyAnswer, PolicyEngine, PolicyQuestion } from '../ports/policy-engine.ts';
import type { Receipts } from '../receipts/receipts.ts';
import { decisionType } from '../receipts/statement-types.ts';
import { decisionFailure, leavesReceipt } from './decision-failure.ts';
import type { Judge, Judgement, OpenDecision, Outcome } from './judge.ts';
import { statementJson } from './statement-json.ts';

/** Code of a decision that allowed, whose work ended well (or has only begun, when `open`). */
const okCode = 'ok';

/** The one road of every decision; the contract is in `judge.ts`. */
export function makeJudge({
  policy,
  receipts,
  content,
}: {
  policy: PolicyEngine;
  receipts: Receipts;
  content: Content;
}): Judge {
  function ask(call: Call, judgement: Judgement): { question: PolicyQuestion; answer: PolicyAnswer } {
    const { id, kind, tenant, scopes } = call.principal;
    const question: PolicyQuestion = {
      principal: { kind, id, tenant },
      action: judgement.action,
      resource: judgement.resource,
      facts: { ...judgement.facts, scopes, depth: call.depth },
    };
    return { question, answer: policy.decide(question) };
  }

  /** Keeps the contents and appends the statement with them; answers the receipt when both are stored. */
  async function record(
    call: Call,
    asked: ReturnType<typeof ask>,
    ending: { code: string; outcome: Outcome; request?: Json | undefined },
  ): Promise<string> {
    const items = [
      ...(ending.request === undefined ? [] : [{ name: 'request', content: ending.request }]),
      ...(ending.outcome.response === undefined ? [] : [{ name: 'response', content: ending.outcome.response }]),
    ];
    const kept = await content.keep(call.principal.tenant, items);
    return receipts.append(
      call,
      {
        subject: kept.subject.length > 0 ? kept.subject.map(plainSubject) : [policySubject(policy.policy_version)],
        predicate_type: decisionType,
        predicate: decisionPredicate(asked, policy.policy_version, ending),
      },
      kept,
    );
  }

  async function refuse(call: Call, judgement: Judgement, asked: ReturnType<typeof ask>): Promise<never> {
    const evaluation_errors = asked.answer.errors.length;
    const error = new SignetError({
      code: 'policy_denied',
      reason: 'gate.policy',
      detail: `this ${call.principal.kind} may not \`${judgement.action}\` here: no policy allows it`,
    });
    error.receipt = await record(call, asked, {
      code: error.code,
      outcome: evaluation_errors > 0 ? { detail: { evaluation_errors } } : {},
      request: judgement.request,
    });
    throw error;
  }

  return {
    async decide(call, judgement, work) {
      const asked = ask(call, judgement);
      if (asked.answer.effect === 'deny') return refuse(call, judgement, asked);

      let worked: Awaited<ReturnType<typeof work>>;
      try {
        worked = await work();
      } catch (thrown) {
        const error = decisionFailure(thrown, call);
        if (leavesReceipt(error)) {
          error.receipt = await record(call, asked, {
            code: error.code,
            outcome: failedOutcome(error),
            request: judgement.request,
          });
        }
        throw error;
      }
      const receipt = await record(call, asked, {
        code: okCode,
        outcome: worked.outcome,
        request: judgement.request,
      });
      return { value: worked.value, receipt };
    },

    async open(call, judgement, begin) {
      const asked = ask(call, judgement);
      if (asked.answer.effect === 'deny') return refuse(call, judgement, asked);
      begin?.();
      const decision = await record(call, asked, { code: okCode, outcome: {}, request: judgement.request });
      let isClosed = false;
      const close = (ending: { code: string; outcome: Outcome }): Promise<string> => {
        if (isClosed) throw new Error('a decision ends once: `succeed` or `fail` was called before');
        isClosed = true;
        const parents = [decision, ...(ending.outcome.parents ?? [])];
        return record(call, asked, { ...ending, outcome: { ...ending.outcome, parents } });
      };
      const opened: OpenDecision = {
        receipt: decision,
        succeed: async (outcome) => close({ code: okCode, outcome }),
        fail: async (thrown) => {
          const error = decisionFailure(thrown, call);
          error.receipt = await close({ code: error.code, outcome: failedOutcome(error) });
          return error.receipt;
        },
      };
      return opened;
    },

    permits: (call, judgement) => ask(call, judgement).answer.effect === 'allow',
  };
}

function decisionPredicate(
  { question, answer }: { question: PolicyQuestion; answer: PolicyAnswer },
  policy_version: string,
  { code, outcome }: { code: string; outcome: Outcome },
): JsonObject {
  const { response: _response, parents, ...told } = outcome;
  return {
    principal: { ...question.principal },
    action: question.action,
    resource: statementJson({ ...question.resource }),
    effect: answer.effect,
    code,
    policy_version,
    policies: answer.policies,
    facts: statementJson(question.facts),
    ...(statementJson(told) as JsonObject),
    parents: parents ?? [],
  };
}

/** A failure that a nested decision recorded names it, so that the two can be read together. */
function failedOutcome(error: SignetError): Outcome {
  return {
    ...(error.receipt === undefined ? {} : { parents: [error.receipt] }),
    ...(error.public.reason === undefined ? {} : { detail: { reason: error.public.reason } }),
  };
}

function plainSubject({ name, digest }: Subject): { name: string; digest: { sha256: string; blake3: string } } {
  return { name, digest: { ...digest } };
}

/** A decision about nothing that was sent is about the policies alone: in-toto wants a subject. */
function policySubject(sha256: string): { name: string; digest: { sha256: string } } {
  return { name: 'policies', digest: { sha256 } };
}
