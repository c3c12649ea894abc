import type { Chain, GateRule } from '../constitution/rules.ts';
import type { SignetError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { GatesCompute } from '../ports/gates-compute.ts';
import { ScorerLateError } from '../ports/gates-compute.ts';
import { gateError } from './gate-error.ts';
import { withoutUnknown, type describeOnce } from './known-gates.ts';
import type { Gate } from './run-chain.ts';
import type { Screening } from './screening.ts';

export interface Outgoing extends Omit<Screening, 'screen'> {
  /** Why nothing may go out at all: the chain is empty, or names a gate that does not judge text that comes in pieces. */
  fault(): Promise<SignetError | undefined>;
}

/**
 * G0 and G8 over text that goes out in pieces. A piece has the budget of a chain for itself: an answer may take minutes to
 * come, and its scoring takes microseconds of each piece.
 *
 * @param chain undefined where the constitution asks for none: text passes as it is
 */
export function makeOutgoing({
  compute,
  chain,
  describe,
  elapsed,
}: {
  compute: GatesCompute;
  chain: Chain | undefined;
  describe: ReturnType<typeof describeOnce>;
  elapsed: () => number;
}): Outgoing {
  const leak = chain?.gates.find(({ id }) => id === 'G8');
  const found = { bytes: 0, cards: 0, ibans: 0, keys: 0 };
  const withheld = new Map<string, number>();
  const open = new Map<string, { context: number; held: string }>();
  let quoted = 0;
  let refused: string | undefined;

  async function scan(channel: string, piece: string, is_last: boolean): Promise<string> {
    if (chain === undefined) return piece;
    if (leak === undefined) {
      found.bytes += Buffer.byteLength(piece);
      return piece;
    }
    const { context, held } = open.get(channel) ?? { context: 0, held: '' };
    const text = held + piece;
    const bytes = new TextEncoder().encode(text);
    found.bytes += bytes.length - held.length;
    const scanned = await timed(chain, () => compute.scanLeaks([{ context, text: bytes, is_last }], limitOf(chain)));
    if (scanned === undefined) throw gateError('gate.unavailable');
    found.cards += scanned.cards;
    found.ibans += scanned.ibans;
    found.keys += scanned.keys;
    if (leak.enforcement === 'strict' && scanned.cards + scanned.ibans + scanned.keys > 0) return refuse('gate.leak');
    // What is held is ASCII: as many characters as bytes.
    const cut = text.length - scanned.held;
    open.set(channel, { context: scanned.context, held: text.slice(cut) });
    return text.slice(0, cut);
  }

  async function timed<Answer>(rules: Chain, work: () => Promise<readonly Answer[]>): Promise<Answer | undefined> {
    const began = elapsed();
    let answer: readonly Answer[];
    try {
      answer = await work();
    } catch (cause) {
      return refuse(cause instanceof ScorerLateError ? 'gate.deadline' : 'gate.unavailable', cause);
    }
    if (elapsed() - began > rules.rules.budgets_ms.cheap) return refuse('gate.deadline');
    return answer[0];
  }

  function refuse(code: string, cause?: unknown): never {
    refused = code;
    throw gateError(code, cause);
  }

  return {
    pass: (channel, piece) => scan(channel, piece, false),
    async end() {
      const rest = [];
      for (const channel of open.keys()) rest.push({ channel, text: await scan(channel, '', true) });
      open.clear();
      return rest.filter(({ text }) => text !== '');
    },
    async passWhole(text) {
      await scan(whole, text, true);
      open.delete(whole);
    },
    async quote(text) {
      if (chain === undefined) return undefined;
      quoted += 1;
      const bytes = new TextEncoder().encode(text);
      const limit = limitOf(chain);
      const leaks = await timed(chain, () => compute.scoreLeak([bytes], limit));
      const injections = await timed(chain, () => compute.scoreInjection([bytes], limit));
      const code = leaks?.score !== full ? 'gate.leak' : injections?.score !== full ? 'gate.injection' : undefined;
      if (code !== undefined) withheld.set(code, (withheld.get(code) ?? 0) + 1);
      return code;
    },
    verdict: () => (chain === undefined ? undefined : verdictOf({ chain, found, refused, quoted, withheld })),
    async fault() {
      if (chain === undefined) return undefined;
      const isRunnable = chain.gates.length > 0 && chain.gates.every(isForPieces);
      if (!isRunnable) return gateError('gate.unavailable');
      try {
        const known = withoutUnknown(chain, new Map(chain.gates.map(({ id }) => [id, placeholder])), await describe());
        return known.size === chain.gates.length ? undefined : gateError('gate.unavailable');
      } catch (cause) {
        return gateError('gate.unavailable', cause);
      }
    },
  };
}

const full = 10_000;
/** A channel that no caller has: theirs have names. */
const whole = '';

/** `leak/1` looks at more of a key than may be held back. */
function isForPieces({ id, scorer }: GateRule): boolean {
  return id === 'G0' || (id === 'G8' && scorer === 'leak/2');
}

/** Stands for a gate of which only the scorer is looked at. */
const placeholder: Gate = { tier: 'cheap', run: () => Promise.reject(new Error('a placeholder does not run')) };

function limitOf({ rules }: Chain): { within_ms: number } {
  return { within_ms: rules.budgets_ms.cheap };
}

function verdictOf({
  chain,
  found: { bytes, ...hits },
  refused,
  quoted,
  withheld,
}: {
  chain: Chain;
  found: { bytes: number; cards: number; ibans: number; keys: number };
  refused: string | undefined;
  quoted: number;
  withheld: ReadonlyMap<string, number>;
}): JsonObject {
  const count = hits.cards + hits.ibans + hits.keys;
  const isBroken = refused !== undefined && refused !== 'gate.leak';
  const leak = {
    state: isBroken ? 'error' : count > 0 ? 'fail' : 'pass',
    ...(count > 0 || isBroken ? { score: 0, code: refused ?? 'gate.leak' } : {}),
    facts: Object.fromEntries(Object.entries(hits).filter(([, number]) => number > 0)),
  };
  return {
    result: refused === undefined ? 'passed' : 'refused',
    ...(refused === undefined ? {} : { code: refused }),
    chain: chain.gates.map(({ id: g }) => ({ g, ...(g === 'G8' ? leak : { state: 'pass', facts: { bytes } }) })),
    ...(quoted === 0 ? {} : { quoted, withheld: Object.fromEntries(withheld) }),
  };
}
