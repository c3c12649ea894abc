import { chainOf, outChainOf, readRules, type Rules } from '../constitution/rules.ts';
import type { Screened } from '../decisions/judge.ts';
import type { JsonObject } from '../json.ts';
import type { GatesCompute } from '../ports/gates-compute.ts';
import { gateError } from './gate-error.ts';
import { incomingGates } from './incoming-gates.ts';
import { describeOnce, withoutUnknown } from './known-gates.ts';
import { makeOutgoing } from './outgoing.ts';
import { runChain } from './run-chain.ts';
import type { IncomingText, Screening, Screens } from './screening.ts';
import { weigh, type Weighed } from './verdict-record.ts';

/**
 * The constitution's chains around actions that have no envelope; the contract is in `screening.ts`. What was found stands
 * in the decision's own statement, so that no action writes more than it did without gates.
 *
 * @param elapsed monotonic milliseconds
 */
export function makeScreens({
  compute,
  constitution,
  elapsed,
}: {
  compute: GatesCompute;
  /** The signed document; its proof was verified when it was adopted. */
  constitution: () => JsonObject;
  elapsed: () => number;
}): Screens {
  const describe = describeOnce(compute);
  let read: { document: JsonObject; rules: Rules } | undefined;

  function rulesNow(): Rules {
    const document = constitution();
    if (read?.document !== document) read = { document, rules: readRules(document) };
    return read.rules;
  }

  return {
    of(action, incoming) {
      const rules = rulesNow();
      const out = outChainOf(rules, action);
      const outgoing = makeOutgoing({ compute, chain: out, describe, elapsed });
      return {
        ...outgoing,
        screen: async (policy) => {
          const screened = await screenIncoming({ compute, describe, elapsed, rules, action, incoming, policy });
          if (screened.refusal !== undefined) return screened;
          // What cannot be checked on its way out is not begun.
          const refusal = await outgoing.fault();
          return refusal === undefined ? screened : { ...screened, refusal };
        },
      } satisfies Screening;
    },
  };
}

async function screenIncoming({
  compute,
  describe,
  elapsed,
  rules,
  action,
  incoming,
  policy,
}: {
  compute: GatesCompute;
  describe: ReturnType<typeof describeOnce>;
  elapsed: () => number;
  rules: Rules;
  action: string;
  incoming: IncomingText;
  policy: Parameters<Screening['screen']>[0];
}): Promise<Screened> {
  const chain = chainOf(rules, action);
  try {
    const all = incomingGates({ compute, incoming, unscored: chain.rules.unscored, policy });
    const gates = withoutUnknown(chain, all, await describe());
    const ran = await runChain({ rules: chain.gates, gates, budgets_ms: chain.rules.budgets_ms, elapsed });
    const weighed = await weigh({ compute, ran, ihsan_min: chain.rules.thresholds.ihsan });
    const verdict = shortVerdict(weighed);
    return weighed.code === undefined ? { verdict } : { verdict, refusal: gateError(weighed.code, ran.cause) };
  } catch (cause) {
    const code = 'gate.unavailable';
    return { verdict: { result: 'refused', code, chain: [] }, refusal: gateError(code, cause) };
  }
}

/** What a reader cannot know from the constitution that the statement names: bars and enforcement stand there. */
function shortVerdict({ chain, ihsan, passed, code }: Weighed): JsonObject {
  return {
    result: passed ? 'passed' : 'refused',
    ...(code === undefined ? {} : { code }),
    ihsan,
    chain: chain.map(({ g, state, score, code: why, facts }) => ({
      g,
      state,
      ...(state === 'pass' && score === full ? {} : { score }),
      ...(why === undefined ? {} : { code: why }),
      facts,
    })),
  };
}

const full = 10_000;
