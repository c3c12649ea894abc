import type { Rules } from '../constitution/rules.ts';
import type { Screen } from '../decisions/judge.ts';
import type { GatesCompute } from '../ports/gates-compute.ts';
import type { Finding, Gate, RanGate } from './run-chain.ts';
import type { IncomingText } from './screening.ts';
import { injectionScorer, leakScorer, textGates } from './text-gates.ts';

/** The gates of text without an envelope: G0, G6, G7, G8, G9, G11. Another one in a chain is not here, and refuses. */
export function incomingGates({
  compute,
  incoming,
  unscored,
  policy,
}: {
  compute: GatesCompute;
  incoming: IncomingText;
  unscored: Rules['unscored'];
  policy: Parameters<Screen>[0];
}): ReadonlyMap<string, Gate> {
  const { texts, instructions = texts, prose, bytes_max } = incoming;
  const bytes = new Map(texts.map((text) => [text, encoder.encode(text)]));
  const bytesOf = (text: string): Uint8Array => bytes.get(text) ?? encoder.encode(text);
  const cheap = (run: Gate['run']): Gate => ({ tier: 'cheap', run });
  return new Map<string, Gate>([
    ['G0', cheap(async () => formFinding(texts, [...bytes.values()], bytes_max))],
    // Asked at the edge, before the body was read: who comes here had a token.
    ['G6', cheap(async () => ({ state: 'scored', score: full, code: 'rate.limited', facts: { at: 'edge' } }))],
    ['G7', cheap((input) => proseFinding({ compute, prose, bytesOf, unscored }, input))],
    [
      'G8',
      cheap(async ({ rule, within_ms }) => {
        const scores = await compute.scoreLeak([...bytes.values()], { scorer: leakScorer(rule), within_ms });
        return worst('gate.leak', scores, ['cards', 'ibans', 'keys']);
      }),
    ],
    [
      'G9',
      cheap(async ({ rule, within_ms }) => {
        const asked = [...new Set(instructions)].map(bytesOf);
        const scores = await compute.scoreInjection(asked, { scorer: injectionScorer(rule), within_ms });
        return worst('gate.injection', scores, ['overrides', 'hidden', 'links', 'runs']);
      }),
    ],
    ['G11', cheap(async ({ before }) => policyFinding(policy, before))],
  ]);
}

const encoder = new TextEncoder();
const full = 10_000;

function formFinding(texts: readonly string[], bytes: readonly Uint8Array[], bytes_max: number): Finding {
  const sum = bytes.reduce((total, { length }) => total + length, 0);
  const facts = { texts: texts.length, bytes: sum };
  if (sum > bytes_max) return { state: 'scored', score: 0, code: 'json.size', facts };
  if (!texts.every((text) => text.isWellFormed())) return { state: 'scored', score: 0, code: 'json.string', facts };
  return { state: 'scored', score: full, code: '', facts };
}

/** Scorers read 256 KiB at most; a longer text has its beginning measured. */
const prose_bytes_max = 262_144;

/** Its facts are few: they stand in the statement of every chat. */
async function proseFinding(
  {
    compute,
    prose,
    bytesOf,
    unscored,
  }: {
    compute: GatesCompute;
    prose: string | undefined;
    bytesOf: (text: string) => Uint8Array;
    unscored: Rules['unscored'];
  },
  input: Parameters<Gate['run']>[0],
): Promise<Finding> {
  if (prose === undefined) return { state: 'na', facts: { unscored: 'form' } };
  const bytes = bytesOf(prose).subarray(0, prose_bytes_max);
  const gate = textGates({ compute, bytes, content_type: 'text/plain', unscored }).get('G7');
  if (gate === undefined) throw new Error('the text gates have no G7');
  const finding = await gate.run(input);
  if (finding.state === 'na' || finding.code === 'gate.unscored') return finding;
  const { words, language } = finding.facts;
  return {
    ...finding,
    facts: { ...(words === undefined ? {} : { words }), ...(language === undefined ? {} : { language }) },
  };
}

/** Hits of all texts together; the score is that of the worst. */
function worst<Score extends { readonly score: number }>(
  code: string,
  scores: readonly Score[],
  kinds: readonly (keyof Score & string)[],
): Finding {
  const counted = kinds.map((kind) => [kind, scores.reduce((sum, score) => sum + Number(score[kind]), 0)] as const);
  const facts = Object.fromEntries(counted.filter(([, hits]) => hits > 0));
  return { state: 'scored', score: Math.min(full, ...scores.map(({ score }) => score)), code, facts };
}

/** Policy sees numbers of the gates before it, never text. */
function policyFinding(policy: Parameters<Screen>[0], before: readonly RanGate[]): Finding {
  const scoreOf = (id: string): number => before.find(({ rule }) => rule.id === id)?.score ?? full;
  const answer = policy({ leaks: scoreOf('G8') < full, injection_bp: scoreOf('G9') });
  const facts = { policies: answer.policies.length, errors: answer.errors.length };
  return { state: 'scored', score: answer.effect === 'allow' ? full : 0, code: 'gate.policy', facts };
}
