import { describe, expect, test } from '@jest/globals';
import type { Enforcement, GateRule } from '../constitution/rules.ts';
import { runChain, type Finding, type Gate, type Tier } from './run-chain.ts';

const budgets_ms = { cheap: 20, medium: 40, expensive: 60 };

function rule(id: string, enforcement: Enforcement = 'strict', bar = 10_000): GateRule {
  return { id, scorer: null, bar, mandatory: true, enforcement };
}

function found(score: number, code = `code.${score}`): Finding {
  return { state: 'scored', score, code, facts: { score } };
}

/** Gates by name; a number is a score, an error is thrown. */
function gatesOf(named: { readonly [id: string]: number | Error | Finding }, tier: Tier = 'cheap') {
  const ran: string[] = [];
  const gates = new Map<string, Gate>(
    Object.entries(named).map(([id, what]) => [
      id,
      {
        tier,
        async run() {
          ran.push(id);
          if (what instanceof Error) throw what;
          return typeof what === 'number' ? found(what) : what;
        },
      },
    ]),
  );
  return { gates, ran };
}

const still = (): number => 0;

test('gates run in the order of the chain, which passes when all do', async () => {
  const { gates, ran } = gatesOf({ G1: 10_000, G2: 10_000, G0: 10_000 });
  const chain = await runChain({ rules: [rule('G2'), rule('G0'), rule('G1')], gates, budgets_ms, elapsed: still });
  expect(ran).toEqual(['G2', 'G0', 'G1']);
  expect(chain.code).toBeUndefined();
  expect(chain.ran.map(({ state }) => state)).toEqual(['pass', 'pass', 'pass']);
});

test('an empty chain is no pass', async () => {
  expect(await runChain({ rules: [], gates: new Map(), budgets_ms, elapsed: still })).toEqual({
    ran: [],
    code: 'gate.unavailable',
  });
});

describe('a score against its bar', () => {
  test.each([
    [8500, 'pass'],
    [8501, 'pass'],
    [8499, 'fail'],
    [0, 'fail'],
    [Number.NaN, 'fail'],
  ] as const)('%s at 8,500: %s', async (score, state) => {
    const { gates } = gatesOf({ G7: score });
    const chain = await runChain({ rules: [rule('G7', 'strict', 8500)], gates, budgets_ms, elapsed: still });
    expect(chain.ran[0]?.state).toBe(state);
    expect(chain.code).toBe(state === 'pass' ? undefined : `code.${score}`);
  });
});

test('the first strict failure ends the chain', async () => {
  const { gates, ran } = gatesOf({ G0: 10_000, G8: 0, G9: 0 });
  const chain = await runChain({ rules: [rule('G0'), rule('G8'), rule('G9')], gates, budgets_ms, elapsed: still });
  expect(ran).toEqual(['G0', 'G8']);
  expect(chain).toMatchObject({ code: 'code.0', ran: [{ state: 'pass' }, { state: 'fail', code: 'code.0' }] });
});

test.each(['advisory', 'monitor'] as const)('a failure that is %s is recorded and passed over', async (enforcement) => {
  const { gates, ran } = gatesOf({ G7: 1, G8: 10_000 });
  const chain = await runChain({
    rules: [rule('G7', enforcement), rule('G8')],
    gates,
    budgets_ms,
    elapsed: still,
  });
  expect(ran).toEqual(['G7', 'G8']);
  expect(chain.code).toBeUndefined();
  expect(chain.ran[0]).toMatchObject({ state: 'fail', score: 1 });
});

test.each(['strict', 'advisory', 'monitor'] as const)('an error refuses, %s or not', async (enforcement) => {
  const cause = new Error('the store is away');
  const { gates, ran } = gatesOf({ G10: cause, G11: 10_000 });
  const chain = await runChain({
    rules: [rule('G10', enforcement), rule('G11')],
    gates,
    budgets_ms,
    elapsed: still,
  });
  expect(ran).toEqual(['G10']);
  expect(chain).toMatchObject({ code: 'gate.unavailable', cause, ran: [{ state: 'error', score: 0 }] });
});

test('a gate that this build does not have refuses', async () => {
  const chain = await runChain({ rules: [rule('G12')], gates: new Map(), budgets_ms, elapsed: still });
  expect(chain).toMatchObject({ code: 'gate.unavailable', ran: [{ state: 'error', code: 'gate.unavailable' }] });
});

test('what is left out is told as such', async () => {
  const { gates } = gatesOf({ G2: { state: 'na', facts: { enveloped: false } } });
  const chain = await runChain({ rules: [rule('G2')], gates, budgets_ms, elapsed: still });
  expect(chain).toMatchObject({ ran: [{ state: 'na', facts: { enveloped: false } }] });
  expect(chain.code).toBeUndefined();
});

describe('budgets', () => {
  /** A clock that each gate moves on by `ms`. */
  function slowGates(ids: readonly string[], ms: number, tier: Tier = 'cheap') {
    let now = 0;
    const gate: Gate = {
      tier,
      async run() {
        now += ms;
        return found(10_000);
      },
    };
    return { gates: new Map(ids.map((id) => [id, gate])), elapsed: () => now };
  }

  test('a gate that passes too late has not passed', async () => {
    const { gates, elapsed } = slowGates(['G7'], 21);
    const chain = await runChain({ rules: [rule('G7')], gates, budgets_ms, elapsed });
    expect(chain).toMatchObject({
      code: 'gate.deadline',
      ran: [{ state: 'error', code: 'gate.deadline', us: 21_000 }],
    });
  });

  test('a budget is for all gates of its tier together', async () => {
    const { gates, elapsed } = slowGates(['G7', 'G8', 'G9'], 8);
    const chain = await runChain({ rules: [rule('G7'), rule('G8'), rule('G9')], gates, budgets_ms, elapsed });
    expect(chain.ran.map(({ state }) => state)).toEqual(['pass', 'pass', 'error']);
    expect(chain.code).toBe('gate.deadline');
  });

  test('and for no gate of another', async () => {
    const cheap = slowGates(['G7', 'G8'], 10);
    const chain = await runChain({
      rules: [rule('G7'), rule('G8'), rule('G10')],
      gates: new Map([...cheap.gates, ...gatesOf({ G10: 10_000 }, 'medium').gates]),
      budgets_ms,
      elapsed: cheap.elapsed,
    });
    expect(chain.code).toBeUndefined();
  });

  test('a gate that never answers is given up when the budget of its own tier is over', async () => {
    let asked_ms = 0;
    const silent: Gate = {
      tier: 'cheap',
      run: ({ signal }) =>
        new Promise(() => signal.addEventListener('abort', () => (asked_ms = performance.now() - began))),
    };
    const began = performance.now();
    const long = { cheap: 20, medium: 40, expensive: 600_000 };
    const gates = new Map([['G8', silent]]);
    const chain = await runChain({ rules: [rule('G8')], gates, budgets_ms: long, elapsed: still });
    expect(chain.code).toBe('gate.deadline');
    expect(asked_ms).toBeGreaterThan(0);
  });

  test('a gate whose tier has nothing left is not begun', async () => {
    const { gates, elapsed } = slowGates(['G7'], 20);
    const after = gatesOf({ G8: 10_000 });
    const chain = await runChain({
      rules: [rule('G7'), rule('G8')],
      gates: new Map([...gates, ...after.gates]),
      budgets_ms,
      elapsed,
    });
    expect(chain).toMatchObject({ code: 'gate.deadline', ran: [{ state: 'pass' }, { state: 'error' }] });
    expect(after.ran).toEqual([]);
  });

  test('a gate that never answers is told to stop and not waited for', async () => {
    let told: AbortSignal | undefined;
    const gates = new Map<string, Gate>([
      [
        'G10',
        {
          tier: 'medium',
          run: ({ signal }) => {
            told = signal;
            return new Promise(() => undefined);
          },
        },
      ],
    ]);
    const chain = await runChain({ rules: [rule('G10'), rule('G11')], gates, budgets_ms, elapsed: still });
    expect(chain).toMatchObject({ code: 'gate.deadline', ran: [{ state: 'error' }] });
    expect(told?.aborted).toBe(true);
  });
});
