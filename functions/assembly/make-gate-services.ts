import { ownTime } from '../adapters/wasm/own-time.ts';
import type { Now } from '../domain/call.ts';
import { makeConstitutions } from '../domain/gates/make-constitutions.ts';
import type { Content } from '../domain/content/content.ts';
import { readContent } from '../domain/content/read-content.ts';
import type { Judge } from '../domain/decisions/judge.ts';
import { findEvidence, type VerifiedStatement } from '../domain/gates/find-evidence.ts';
import { makeGates } from '../domain/gates/make-gates.ts';
import { makeScreens } from '../domain/gates/make-screens.ts';
import type { Screens } from '../domain/gates/screening.ts';
import type { Identity } from '../domain/identity/open-identity.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Messages } from '../domain/messages/messages.ts';
import type { Objects } from '../domain/ports/objects.ts';
import type { PolicyEngine } from '../domain/ports/policy-engine.ts';
import type { Table } from '../domain/ports/table.ts';
import type { Receipts } from '../domain/receipts/receipts.ts';
import { verifyReceipt } from '../domain/verify/verify-receipt.ts';
import type { Services } from '../edge/services.ts';
import type { ComputeSlots } from './compute-slots.ts';

/** The constitution's chains around chats and runs. */
export function screensOf({ slots, identity }: { slots: ComputeSlots; identity: Identity }): Screens {
  return makeScreens({
    compute: slots.gates,
    constitution: () => identity.constitution,
    // These gates wait for nothing: what others on this machine take is not their time.
    elapsed: ownTime,
  });
}

/** Gates and the constitution they are of, over what the node has. */
export function makeGateServices(parts: {
  table: Table;
  objects: Objects;
  slots: ComputeSlots;
  identity: Identity;
  policy: PolicyEngine;
  content: Content;
  receipts: Receipts;
  judge: Judge;
  messages: Pick<Messages, 'verify' | 'isSeen'>;
  now: Now;
}): Pick<Services, 'gates' | 'constitutions'> {
  const { table, objects, slots, identity, policy, content, receipts, judge, messages, now } = parts;
  const { digest, verify } = slots;

  async function isKnown(tenant: string, sha256: string): Promise<boolean> {
    if ((await receipts.get(sha256, tenant)) !== undefined) return true;
    return (await readContent({ table, objects, now }, { tenant, sha256 })) !== undefined;
  }

  async function statementOf(tenant: string, id: string): Promise<VerifiedStatement | undefined> {
    const receipt = await receipts.get(id, tenant);
    if (receipt === undefined) return undefined;
    const bytes = new TextEncoder().encode(JSON.stringify(receipt));
    const verdict = await verifyReceipt({ bytes, verify, digest, trust: [identity.node_id] });
    if (!verdict.valid) throw new Error(`a stored receipt does not verify: ${verdict.code}`);
    const { predicateType, predicate } = verdict.statement as { predicateType: string; predicate: JsonObject };
    const moved = await movedFields(tenant, verdict.statement);
    return { predicate_type: predicateType, predicate: { ...predicate, ...moved } };
  }

  /** What was too large to sign stands in a content record that the statement names. */
  async function movedFields(tenant: string, statement: JsonObject | undefined): Promise<JsonObject> {
    const subjects = (statement?.['subject'] ?? []) as readonly { name: string; digest: { sha256: string } }[];
    const detail = subjects.find(({ name }) => name === 'detail');
    if (detail === undefined) return {};
    const record = await readContent({ table, objects, now }, { tenant, sha256: detail.digest.sha256 });
    if (record === undefined) return {};
    return (JSON.parse(new TextDecoder().decode(record)) as { content?: JsonObject }).content ?? {};
  }

  return {
    gates: makeGates({
      compute: slots.gates,
      digest,
      policy,
      judge,
      receipts,
      content,
      rules: identity,
      envelopes: messages,
      isKnown,
      elapsed: () => performance.now(),
    }),
    constitutions: makeConstitutions({
      table,
      digest,
      identity,
      judge,
      now,
      evidenceOf: findEvidence({ statementOf, envelopes: messages }),
    }),
  };
}
