import type { Call } from '../call.ts';
import { chainOf, readRules, type Chain, type Rules } from '../constitution/rules.ts';
import type { Content } from '../content/content.ts';
import { digestJson } from '../content/digest-json.ts';
import type { Judge } from '../decisions/judge.ts';
import { SignetError } from '../errors.ts';
import type { Identity } from '../identity/open-identity.ts';
import type { JsonObject } from '../json.ts';
import type { DigestCompute } from '../ports/compute.ts';
import type { GatesCompute } from '../ports/gates-compute.ts';
import type { PolicyEngine } from '../ports/policy-engine.ts';
import type { Receipts } from '../receipts/receipts.ts';
import { gateVerdictType } from '../receipts/statement-types.ts';
import { envelopeGates, formFault, type EnvelopeFindings } from './envelope-gates.ts';
import { formGate } from './form-gate.ts';
import type { GateRequest, Gates, GateVerdict } from './gates.ts';
import { groundingGate } from './grounding-gate.ts';
import { describeOnce, withoutUnknown } from './known-gates.ts';
import { policyGate } from './policy-gate.ts';
import { runChain, type Gate } from './run-chain.ts';
import { textGates } from './text-gates.ts';
import { verdictRecord, weigh } from './verdict-record.ts';

export interface GatesParts {
  readonly compute: GatesCompute;
  readonly digest: DigestCompute;
  readonly policy: PolicyEngine;
  readonly judge: Judge;
  readonly receipts: Pick<Receipts, 'append'>;
  readonly content: Content;
  /** The signed document that runs, and the SHA-256 of it; its proof was verified when it was adopted. */
  readonly rules: Pick<Identity, 'constitution' | 'con'>;
  /** The verify order of envelopes. */
  readonly envelopes: {
    verify(envelope: Uint8Array): Promise<EnvelopeFindings>;
    /** Whether the message was admitted before. */
    isSeen(message: { readonly iss: string; readonly id: string }): Promise<boolean>;
  };
  /** Whether a tenant knows a receipt or a content by this digest. */
  readonly isKnown: (tenant: string, digest: string) => Promise<boolean>;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
}

/** Judges content by the constitution's chains; the contract is in `gates.ts`. */
export function makeGates(parts: GatesParts): Gates {
  const { compute, judge, receipts, content } = parts;
  const scorersHere = describeOnce(compute);
  let read: { document: JsonObject; rules: Rules } | undefined;

  function rulesNow(): Rules {
    const document = parts.rules.constitution;
    if (read?.document !== document) read = { document, rules: readRules(document) };
    return read.rules;
  }

  async function judged(call: Call, request: GateRequest): Promise<GateVerdict & { cause?: unknown }> {
    const { con } = parts.rules;
    const chain = chainOf(rulesNow(), request.action);
    const gates = withoutUnknown(chain, await gatesFor(parts, call, request, chain), await scorersHere());
    const { budgets_ms, thresholds } = chain.rules;
    const ran = await runChain({ rules: chain.gates, gates, budgets_ms, elapsed: parts.elapsed });
    const claimed_ihsan = basisPoints(request.claimed.ihsan_score);
    const weighed = await weigh({
      compute,
      ran,
      ihsan_min: thresholds.ihsan,
      ...(claimed_ihsan === undefined ? {} : { claimed_ihsan }),
    });
    const { action, content_type, claimed } = request;
    const record = verdictRecord({ action, source: chain, content_type, weighed, claimed });
    const kept = await content.keep(call.principal.tenant, [{ name: 'content', content: request.content }]);
    const subject = kept.subject.map(({ name, digest }) => ({ name, digest: { ...digest } }));
    const id = await receipts.append(call, { subject, predicate_type: gateVerdictType, predicate: record }, kept);
    const snr = weighed.chain.find(({ g, state }) => g === 'G7' && (state === 'pass' || state === 'fail'))?.score;
    const { passed, code, ihsan } = weighed;
    return {
      id,
      passed,
      ihsan,
      con,
      record,
      chain: weighed.chain,
      ...(code === undefined ? {} : { code }),
      ...(snr === undefined ? {} : { snr }),
      ...(ran.cause === undefined ? {} : { cause: ran.cause }),
    };
  }

  return {
    async check(call, request) {
      const judgement = {
        action: 'checkGates',
        resource: { type: 'Gates', id: request.action },
        facts: { bytes: Buffer.byteLength(request.content) },
      } as const;
      return judge.decide(call, judgement, async () => {
        const { cause, ...verdict } = await judged(call, request);
        const { id, passed, code, ihsan } = verdict;
        if (code === 'gate.deadline' || code === 'gate.unavailable') throw unfinished(code, id, cause);
        const detail = { passed, ihsan, ...(code === undefined ? {} : { reason: code }) };
        return { value: verdict, outcome: { parents: [id], detail } };
      });
    },
  };
}

/** The gates of this build for one request. G6 was asked at the edge, before the body was read: whoever comes here had a token. */
async function gatesFor(
  parts: GatesParts,
  call: Call,
  request: GateRequest,
  { rules }: Chain,
): Promise<ReadonlyMap<string, Gate>> {
  const { compute, digest, policy } = parts;
  const bytes = new TextEncoder().encode(request.content);
  const { content_type, action, envelope } = request;
  let found: Promise<EnvelopeFindings | undefined> | undefined;
  const findings = (): Promise<EnvelopeFindings | undefined> => {
    found ??= envelope === undefined ? Promise.resolve(undefined) : findingsOf(parts, envelope, request.content);
    return found;
  };
  const claimed_snr = basisPoints(request.claimed.snr_score);
  const isKnown = (named: string): Promise<boolean> => parts.isKnown(call.principal.tenant, named);
  return new Map<string, Gate>([
    ['G0', formGate({ digest, bytes, content_type, fault: async () => formFault(await findings()) })],
    ...envelopeGates(findings),
    [
      'G6',
      {
        tier: 'medium',
        run: async () => ({ state: 'scored', score: full, code: 'rate.limited', facts: { at: 'edge' } }),
      },
    ],
    ...textGates({
      compute,
      bytes,
      content_type,
      unscored: rules.unscored,
      ...(claimed_snr === undefined ? {} : { claimed_snr }),
    }),
    ['G10', groundingGate({ compute, bytes, isKnown })],
    ['G11', policyGate({ policy, call, action, is_enveloped: envelope !== undefined })],
  ]);
}

const full = 10_000;

/** A valid envelope's message names the digest of its content: it must be that of ours. */
async function findingsOf(
  { envelopes, digest }: GatesParts,
  envelope: string,
  content: string,
): Promise<EnvelopeFindings> {
  const verdict = await envelopes.verify(new TextEncoder().encode(envelope));
  if (!verdict.valid) return verdict;
  const [own] = await digestJson(digest, [content]);
  const { payload } = JSON.parse(envelope) as { payload: string };
  const message = JSON.parse(Buffer.from(payload, 'base64').toString()) as { body?: { digest?: { sha256?: string } } };
  const { iss, id } = verdict;
  const is_seen = iss !== undefined && id !== undefined && (await envelopes.isSeen({ iss, id }));
  return { ...verdict, is_seen, is_about_content: own !== undefined && message.body?.digest?.sha256 === own.sha256 };
}

/** A claim in basis points, rounded down. */
function basisPoints(share: number | undefined): number | undefined {
  return share === undefined ? undefined : Math.floor(share * full);
}

function unfinished(reason: 'gate.deadline' | 'gate.unavailable', verdict: string, cause: unknown): SignetError {
  const error = new SignetError(
    {
      code: reason === 'gate.deadline' ? 'gate_deadline' : 'gate_unavailable',
      reason,
      detail: reason === 'gate.deadline' ? 'the gates used up their time' : 'a gate of this chain cannot be asked here',
    },
    { cause },
  );
  error.receipt = verdict;
  return error;
}
