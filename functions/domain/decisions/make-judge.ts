import type { Call } from '../call.ts';
import type { Content, Subject } from '../content/content.ts';
import { SignetError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Facts, PolicyAnswer, PolicyEngine, PolicyQuestion } from '../ports/policy-engine.ts';
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
  function ask(call: Call, judgement: Judgement, found: Facts = {}): Asked {
    const question = questionOf(call, judgement, found);
    return { question, answer: policy.decide(question) };
  }

  /** Gates and policy, in the constitution's order; throws when one of them refuses, with the receipt. */
  async function admit(call: Call, judgement: Judgement): Promise<Asked> {
    const { gates } = judgement;
    if (gates === undefined) {
      const asked = ask(call, judgement);
      return asked.answer.effect === 'deny' ? refuse(call, judgement, asked) : asked;
    }
    let asked: Asked | undefined;
    const { verdict, refusal } = await gates.screen((found) => {
      asked = ask(call, judgement, found);
      return asked.answer;
    });
    // A chain cannot leave policy out.
    if (refusal === undefined) asked ??= ask(call, judgement);
    if (asked?.answer.effect === 'deny') return refuse(call, judgement, { ...asked, verdict });
    if (refusal !== undefined) {
      const unasked = { question: questionOf(call, judgement, {}), answer: nobodyAllowed };
      refusal.receipt = await record(
        call,
        { ...unasked, verdict },
        {
          code: refusal.code,
          outcome: failedOutcome(refusal),
          request: judgement.request,
        },
      );
      throw refusal;
    }
    if (asked === undefined) throw new Error('policy was not asked');
    return { ...asked, verdict };
  }

  /** Keeps the contents and appends the statement with them; answers the receipt when both are stored. */
  async function record(call: Call, asked: Asked, ending: Ending): Promise<string> {
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

  async function refuse(call: Call, judgement: Judgement, asked: Asked): Promise<never> {
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
      const asked = await admit(call, judgement);
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
            out: judgement.gates?.verdict(),
          });
        }
        throw error;
      }
      const receipt = await record(call, asked, {
        code: okCode,
        outcome: worked.outcome,
        request: judgement.request,
        out: judgement.gates?.verdict(),
      });
      return { value: worked.value, receipt };
    },

    async open(call, judgement, begin) {
      const asked = await admit(call, judgement);
      begin?.();
      const decision = await record(call, asked, { code: okCode, outcome: {}, request: judgement.request });
      let isClosed = false;
      const close = (ending: { code: string; outcome: Outcome }): Promise<string> => {
        if (isClosed) throw new Error('a decision ends once: `succeed` or `fail` was called before');
        isClosed = true;
        const parents = [decision, ...(ending.outcome.parents ?? [])];
        // What came in was judged in the decision's statement, which is the first parent.
        const { question, answer } = asked;
        return record(
          call,
          { question, answer },
          { ...ending, outcome: { ...ending.outcome, parents }, out: judgement.gates?.verdict() },
        );
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

/** What was asked of policy and answered, and what the gates found before. */
interface Asked {
  readonly question: PolicyQuestion;
  readonly answer: PolicyAnswer;
  readonly verdict?: JsonObject;
}

interface Ending {
  readonly code: string;
  readonly outcome: Outcome;
  readonly request?: Json | undefined;
  /** What the gates found in what went out. */
  readonly out?: JsonObject | undefined;
}

/** In the place of an answer where a gate before policy refused. */
const nobodyAllowed: PolicyAnswer = { effect: 'deny', policies: [], errors: [] };

function questionOf(call: Call, judgement: Judgement, found: Facts): PolicyQuestion {
  const { id, kind, tenant, scopes } = call.principal;
  return {
    principal: { kind, id, tenant },
    action: judgement.action,
    resource: judgement.resource,
    facts: { ...judgement.facts, ...found, scopes, depth: call.depth },
  };
}

function decisionPredicate(
  { question, answer, verdict }: Asked,
  policy_version: string,
  { code, outcome, out }: Ending,
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
    ...(verdict === undefined && out === undefined
      ? {}
      : { verdict: { ...(verdict === undefined ? {} : { in: verdict }), ...(out === undefined ? {} : { out }) } }),
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
