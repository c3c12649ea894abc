import {
  CapabilityUnavailableError,
  type Capability,
  type CapabilityName,
  type Compute,
} from '../domain/ports/compute.ts';
import type { LedgerCompute } from '../domain/ports/ledger-compute.ts';

type Served = Extract<Capability, { served_by: 'native' | 'wasm' | 'lambda' }>['served_by'];
type Unavailable = Extract<Capability, { served_by: 'unavailable' }>;

/** The capabilities that are adapters of `Compute`; `run` has a state only. */
type Slot = keyof Compute;

/** Capabilities that are put in one by one while calls run: those in flight finish on the adapter they began on. */
export interface ComputeSlots extends Pick<Compute, 'verify' | 'digest' | 'score' | 'gates' | 'arithmetic' | 'embed'> {
  /**
   * The adapter that serves a capability now. Throws `CapabilityUnavailableError` when none does. `sign` and `segments`
   * are only to be had this way: their handles belong to the adapter that made them.
   */
  current<S extends Slot>(slot: S): Compute[S];
  use<S extends Slot>(slot: S, adapter: Compute[S], served_by: Served): void;
  /** States what cannot be served, or (for `run`) what can. */
  declare(name: CapabilityName, state: Capability): void;
  states(): { readonly [name in CapabilityName]: Capability };
}

/** All capabilities unavailable with `reason` until something is put in. */
export function computeSlots(reason: string): ComputeSlots {
  const adapters: { -readonly [S in Slot]?: Compute[S] } = {};
  const nothing: Unavailable = { served_by: 'unavailable', reason };
  const states: { [name in CapabilityName]: Capability } = {
    sign: nothing,
    verify: nothing,
    digest: nothing,
    score: nothing,
    gates: nothing,
    arithmetic: nothing,
    segments: nothing,
    embed: nothing,
    run: nothing,
  };
  const current = <S extends Slot>(slot: S): Compute[S] => {
    const adapter = adapters[slot];
    if (adapter !== undefined) return adapter;
    const state = states[slot];
    throw new CapabilityUnavailableError(slot, state.served_by === 'unavailable' ? state : nothing);
  };
  return {
    verify: {
      ledger: currentLedger(() => current('verify').ledger),
      verifySignatures: async (items) => current('verify').verifySignatures(items),
      openEnvelopes: async (items) => current('verify').openEnvelopes(items),
      verifyPayloads: async (items) => current('verify').verifyPayloads(items),
      readEnvelopes: async (envelopes) => current('verify').readEnvelopes(envelopes),
      verifyDocuments: async (items) => current('verify').verifyDocuments(items),
      decodeKeyIds: async (key_ids) => current('verify').decodeKeyIds(key_ids),
    },
    digest: {
      digest: async (items) => current('digest').digest(items),
      canonicalise: async (items) => current('digest').canonicalise(items),
    },
    score: { topK: async (request) => current('score').topK(request) },
    gates: {
      scoreSnr: async (texts, scoring) => current('gates').scoreSnr(texts, scoring),
      scoreLeak: async (texts, scoring) => current('gates').scoreLeak(texts, scoring),
      scoreInjection: async (texts, scoring) => current('gates').scoreInjection(texts, scoring),
      scanLeaks: async (pieces, scoring) => current('gates').scanLeaks(pieces, scoring),
      findCitations: async (texts) => current('gates').findCitations(texts),
      scoreGround: async (items) => current('gates').scoreGround(items),
      scoreExcellence: async (lists) => current('gates').scoreExcellence(lists),
      describeScorers: async () => current('gates').describeScorers(),
    },
    arithmetic: {
      comparePairs: async (request) => current('arithmetic').comparePairs(request),
      normalise: async (request) => current('arithmetic').normalise(request),
      findTop: async (request) => current('arithmetic').findTop(request),
      describeKernels: async () => current('arithmetic').describeKernels(),
    },
    embed: { embed: async (request) => current('embed').embed(request) },
    current,
    use(slot, adapter, served_by) {
      adapters[slot] = adapter;
      states[slot] = { served_by };
    },
    declare(name, state) {
      states[name] = state;
    },
    states: () => ({ ...states }),
  };
}

/** Each call goes to the adapter that serves then. */
function currentLedger(ledger: () => LedgerCompute): LedgerCompute {
  return {
    edge: async (size) => ledger().edge(size),
    grow: async (request) => ledger().grow(request),
    plan: async (claim) => ledger().plan(claim),
    prove: async (request) => ledger().prove(request),
    verifyInclusion: async (request) => ledger().verifyInclusion(request),
    verifyConsistency: async (request) => ledger().verifyConsistency(request),
    openCheckpoint: async (request) => ledger().openCheckpoint(request),
    readLogProof: async (text) => ledger().readLogProof(text),
    judgeCheckpoint: async (request) => ledger().judgeCheckpoint(request),
    readWitnessRequest: async (body) => ledger().readWitnessRequest(body),
  };
}
