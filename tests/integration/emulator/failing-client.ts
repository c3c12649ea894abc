import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * `throttled`, `broken` (500) and `unsent` happen instead of the call; `unheard` after it, its answer lost; `partial`
 * does the first half of a batch and says that it left out the rest.
 */
export type Fault = 'throttled' | 'broken' | 'unsent' | 'unheard' | 'partial';

export type FaultPlan = (command: string, input: CommandInput) => Fault | undefined;

export interface CommandInput {
  readonly ConditionExpression?: string;
  readonly IfMatch?: string;
  readonly IfNoneMatch?: string;
  readonly RequestItems?: Record<string, { readonly Keys?: readonly object[] }>;
  readonly Entries?: readonly { readonly Id?: string }[];
}

interface AnyClient {
  readonly middlewareStack: {
    add(
      middleware: (
        next: (request: { input: object }) => Promise<{ output: object }>,
        context: { commandName?: string },
      ) => (request: { input: object }) => Promise<{ output: object }>,
      options: { step: 'initialize'; name: string; priority: 'high' },
    ): void;
  };
}

/** Makes a client fail as `plan` says, before anything of the client itself sees the call. Answers the count of faults. */
export function failBy(client: object, plan: FaultPlan): { readonly faults: Map<Fault, number> } {
  const faults = new Map<Fault, number>();
  (client as AnyClient).middlewareStack.add(
    (next, { commandName = '' }) =>
      async (request) => {
        const fault = plan(commandName, request.input);
        if (fault === undefined) return next(request);
        faults.set(fault, (faults.get(fault) ?? 0) + 1);
        if (fault === 'throttled') throw failure('ThrottlingException', 400);
        if (fault === 'broken') throw failure('InternalServerError', 500);
        if (fault === 'unsent') throw Object.assign(new Error('injected'), { code: 'ECONNREFUSED' });
        if (fault === 'partial') return half(next, request);
        const answer = await next(request).catch(() => undefined);
        closeBody(answer?.output);
        await sleep(1);
        throw failure('TimeoutError', undefined);
      },
    { step: 'initialize', name: 'injectFaults', priority: 'high' },
  );
  return { faults };
}

/**
 * A plan that fails about every `one_in`th call, the same way in every run. Single conditional writes get the faults
 * alone that leave no doubt: with other writers about, the adapters then say that they do not know; `spared` names commands that get none that lose an answer.
 */
export function seededPlan({ one_in, spared = [] }: { one_in: number; spared?: readonly string[] }): FaultPlan {
  let state = 20_301;
  // Numerical Recipes' generator: enough to choose by, and repeatable.
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  return (command, input) => {
    if (random(one_in) !== 0) return undefined;
    const is_batch = input.Entries !== undefined || input.RequestItems !== undefined;
    if (is_batch && random(2) === 0) return 'partial';
    const is_spared = spared.includes(command) || isInDoubt(input);
    const faults = is_spared
      ? (['throttled', 'unsent'] as const)
      : (['throttled', 'unsent', 'broken', 'unheard'] as const);
    return faults[random(faults.length)];
  };
}

function isInDoubt(input: CommandInput): boolean {
  return input.ConditionExpression !== undefined || input.IfMatch !== undefined || input.IfNoneMatch !== undefined;
}

async function half(
  next: (request: { input: object }) => Promise<{ output: object }>,
  request: { input: CommandInput },
): Promise<{ output: object }> {
  const { Entries, RequestItems } = request.input;
  if (Entries !== undefined) {
    const [some, rest] = [Entries.slice(0, Entries.length / 2), Entries.slice(Entries.length / 2)];
    const failed = rest.map(({ Id }) => ({ Id, SenderFault: false, Code: 'InternalError' }));
    if (some.length === 0) return { output: { $metadata: {}, Successful: [], Failed: failed } };
    const answer = await next({ ...request, input: { ...request.input, Entries: some } });
    return { ...answer, output: { ...answer.output, Failed: failed } };
  }
  const [[table, { Keys = [], ...others }] = ['', {}]] = Object.entries(RequestItems ?? {});
  const [some, rest] = [Keys.slice(0, Math.ceil(Keys.length / 2)), Keys.slice(Math.ceil(Keys.length / 2))];
  const answer = await next({
    ...request,
    input: { ...request.input, RequestItems: { [table]: { ...others, Keys: some } } },
  });
  const UnprocessedKeys = rest.length === 0 ? {} : { [table]: { ...others, Keys: rest } };
  return { ...answer, output: { ...answer.output, UnprocessedKeys } };
}

/** A body that nobody reads would fail later, in the middle of another test, when its connection ends. */
function closeBody(output: { readonly Body?: unknown } | undefined): void {
  const body = output?.Body;
  if (body instanceof Readable) body.on('error', () => undefined).destroy();
}

function failure(name: string, httpStatusCode: number | undefined): Error {
  return Object.assign(new Error('injected'), { name, $metadata: { httpStatusCode } });
}
