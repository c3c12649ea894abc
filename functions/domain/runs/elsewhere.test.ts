import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import { manifest, openScriptWorld, type GuestProgram, type World } from '../../../tests/fixtures/script-world.ts';
import type { JsonObject } from '../json.ts';
import { CapabilityUnavailableError } from '../ports/compute.ts';
import { completionWithout, type RemoteScriptHost, type ScriptCompletion } from '../ports/script-host.ts';
import type { EngineFrame } from './answer-engine.ts';
import type { Run } from './runs.ts';

/**
 * Runs that another machine executes, at every point where something may be lost, come twice or come late. No worker runs
 * by itself here: what a job does is done by `advance`, and time passes by `pass`.
 */
let first: World;
/** Another process of the orchestrator on the same store. */
let second: World;
let launched: Parameters<RemoteScriptHost['launch']>[0][];
beforeEach(async () => {
  first = await openScriptWorld({ worker: false, elsewhere: true });
  second = first.another();
  launched = [];
  for (const world of [first, second]) world.launch = async (run) => void launched.push(run);
});
afterEach(() => first.close());

const { signal } = new AbortController();
const engine = 'engine-one-0123456789';

interface SeenEvent {
  readonly id: number;
  readonly event: string;
  readonly data: { readonly text?: string };
}

interface Handed {
  readonly id: string;
  readonly job_id: string;
  readonly token: string;
}

async function create(more: JsonObject = {}): Promise<{ id: string; job_id: string }> {
  const { value } = await first.runs.create(first.call(), first.request('p', more));
  const row = await first.table.get({ pk: `t#default#run#${value.id}`, sk: 'state' }, 0);
  return { id: value.id, job_id: String(Object(row)['job_id']) };
}

async function handOver(more: JsonObject = {}): Promise<Handed> {
  const created = await create(more);
  expect(await first.jobs.advance(created.job_id, signal)).toBe('rescheduled');
  return { ...created, token: tokenOf() };
}

/** The token that the last announcement carried. */
function tokenOf(): string {
  const run = launched.at(-1);
  if (run === undefined) throw new Error('nothing was launched');
  return run.token;
}

function send(world: World, { id, token }: Pick<Handed, 'id' | 'token'>, frame: EngineFrame, output: Output = []) {
  return world.runs.answerEngine({ run_id: id, token, frame, output });
}
type Output = Parameters<World['runs']['answerEngine']>[0]['output'];

async function started(more: JsonObject = {}): Promise<Handed> {
  const handed = await handOver(more);
  await send(first, handed, { kind: 'start', engine });
  return handed;
}

async function reply(world: World, handed: Handed, seq: number, method: string, args: JsonObject) {
  const answer = await send(world, handed, { kind: 'call', seq, method, args });
  return answer.kind === 'reply' ? answer.reply : answer;
}

function completion(more: Partial<ScriptCompletion> = {}): EngineFrame {
  return { kind: 'completion', completion: { ...completionWithout({ state: 'succeeded', exit_code: 0 }), ...more } };
}

const lost = completion({
  state: 'failed',
  exit_code: 70,
  error: { type: 'InterpreterCrash', code: 'interpreter_crash', message: 'gone' },
});

async function runOf({ id }: { id: string }): Promise<Run> {
  return second.runs.get(second.call(), { id });
}

async function eventsOf(id: string): Promise<SeenEvent[]> {
  const found: SeenEvent[] = [];
  for await (const event of await second.runs.events(second.call(), { id, after: 0 })) {
    found.push(event as SeenEvent);
  }
  expect(found.map((event) => event.id)).toEqual(found.map((_, index) => index + 1));
  return found;
}

function refusal(code: string, reason?: string): object {
  return { public: { code, ...(reason === undefined ? {} : { reason }) } };
}

const wall_ms = limits.runs.wall_ms;
const attempt_ms = wall_ms + limits.runs.token_grace_ms + limits.runs.completion_grace_ms;

describe('a run that is handed over', () => {
  test('leaves its job waiting, uncounted, and closed by the completion', async () => {
    const handed = await handOver();
    expect(await first.jobs.get(handed.job_id)).toMatchObject({ state: 'waiting', attempt: 0, reason: 'handed_over' });
    expect(await first.jobs.advance(handed.job_id, signal)).toBe('not_due');
    const answer = await send(second, handed, { kind: 'start', engine });
    expect(answer).toMatchObject({ kind: 'start', start: { run_id: handed.id, script: 'p', limits: { wall_ms } } });
    expect(JSON.stringify(answer)).not.toContain(handed.token);
    expect(await reply(first, handed, 1, 'web.search', { query: 'q', k: 1 })).toMatchObject({ kind: 'value' });
    expect(await send(second, handed, { kind: 'watch' })).toEqual({ kind: 'watch', cancelled: false });
    expect(await send(second, handed, completion({ result: 7, result_type: 'int' }))).toEqual({ kind: 'done' });
    expect(await runOf(handed)).toMatchObject({ state: 'succeeded', result: 7, attempt: 1 });
    expect(await first.jobs.get(handed.job_id)).toMatchObject({ state: 'done' });
    expect((await eventsOf(handed.id)).map(({ event }) => event)).toEqual(['run', 'result', 'done']);
  });

  test('is looked at when one that was fetched at once would be over, and waited for until its own time is', async () => {
    const handed = await handOver();
    first.pass(10_000);
    await send(first, handed, { kind: 'start', engine });
    first.pass(attempt_ms - 10_000);
    expect(await first.jobs.advance(handed.job_id, signal)).toBe('rescheduled');
    expect(await runOf(handed)).toMatchObject({ state: 'running', attempt: 1 });
    first.pass(10_000);
    expect(await first.jobs.advance(handed.job_id, signal)).toBe('rescheduled');
    expect(await runOf(handed)).toMatchObject({ state: 'running', attempt: 2 });
  });

  test('of long wall time is waited for until that is over', async () => {
    const handed = await started({ limits: { wall_ms: 600_000 } });
    first.pass(limits.runs.pickup_ms);
    expect(await first.jobs.advance(handed.job_id, signal)).toBe('rescheduled');
    expect(await runOf(handed)).toMatchObject({ state: 'running', attempt: 1 });
    first.pass(600_000);
    await first.jobs.advance(handed.job_id, signal);
    expect(await runOf(handed)).toMatchObject({ state: 'running', attempt: 2 });
    expect(await first.jobs.get(handed.job_id)).toMatchObject({ attempt: 0 });
  });
});

describe('an announcement', () => {
  test('that is refused for now puts the run back for a later try, which the first token does not open', async () => {
    const created = await create();
    first.launch = async (run) => {
      launched.push(run);
      throw new CapabilityUnavailableError('run', { served_by: 'unavailable', reason: 'throttled' });
    };
    expect(await first.jobs.advance(created.job_id, signal)).toBe('rescheduled');
    expect(await runOf(created)).toMatchObject({ state: 'queued' });
    const early = { ...created, token: tokenOf() };
    await expect(send(first, early, { kind: 'start', engine })).rejects.toMatchObject(refusal('run_over'));
    first.pass(10_000);
    await second.jobs.advance(created.job_id, signal);
    await expect(send(first, early, { kind: 'start', engine })).rejects.toMatchObject(refusal('invalid_api_key'));
    await send(first, { ...created, token: tokenOf() }, { kind: 'start', engine });
    expect(await runOf(created)).toMatchObject({ state: 'running', attempt: 2 });
  });

  test('that is refused for good ends the run as ours', async () => {
    const created = await create();
    first.launch = () => Promise.reject(new Error('no such function'));
    expect(await first.jobs.advance(created.job_id, signal)).toBe('done');
    expect(await runOf(created)).toMatchObject({ state: 'failed', exit_code: 70, error: { code: 'internal' } });
  });

  test('that comes twice gives the attempt to one engine, which may ask again', async () => {
    const handed = await handOver();
    const [one, two] = await Promise.allSettled([
      send(first, handed, { kind: 'start', engine: 'one-0123456789abcdef' }),
      send(second, handed, { kind: 'start', engine: 'two-0123456789abcdef' }),
    ]);
    const [winner, loser] = one.status === 'fulfilled' ? ['one', two] : ['two', one];
    expect(loser).toMatchObject({ status: 'rejected', reason: refusal('replay', 'run.taken') });
    expect(await send(second, handed, { kind: 'start', engine: `${winner}-0123456789abcdef` })).toMatchObject({
      kind: 'start',
    });
  });

  test('that comes twice at once to the same engine is answered twice', async () => {
    const handed = await handOver();
    const both = await Promise.all([first, second].map((world) => send(world, handed, { kind: 'start', engine })));
    expect(both.map(({ kind }) => kind)).toEqual(['start', 'start']);
  });

  test('that nobody follows is made again, three times, whatever the run did before', async () => {
    const handed = await handOver();
    for (let attempt = 2; attempt <= 4; attempt += 1) {
      first.pass(attempt_ms);
      await first.jobs.advance(handed.job_id, signal);
      expect(await runOf(handed)).toMatchObject({ state: 'running', attempt: attempt - 1 });
      first.pass(limits.runs.pickup_ms - attempt_ms);
      await first.jobs.advance(handed.job_id, signal);
      expect(await runOf(handed)).toMatchObject({ state: 'running', attempt });
    }
    first.pass(attempt_ms);
    await first.jobs.advance(handed.job_id, signal);
    first.pass(limits.runs.pickup_ms - attempt_ms);
    expect(await first.jobs.advance(handed.job_id, signal)).toBe('done');
    expect(await runOf(handed)).toMatchObject({ state: 'failed', exit_code: 70, error: { code: 'interpreter_crash' } });
    expect(launched).toHaveLength(4);
  });

  test('is too late when its time to be fetched is over', async () => {
    const handed = await handOver();
    first.pass(limits.runs.pickup_ms);
    await expect(send(first, handed, { kind: 'start', engine })).rejects.toMatchObject(refusal('run_over'));
  });
});

describe('an engine that falls silent', () => {
  const search = { query: 'q', k: 1 };

  test('loses the attempt; the next one goes on by the journal', async () => {
    const handed = await started();
    await reply(first, handed, 1, 'web.search', search);
    await send(first, handed, { kind: 'watch' }, [{ kind: 'stdout', text: 'one\n', at: 0 }]);
    first.pass(attempt_ms);
    await first.jobs.advance(handed.job_id, signal);
    await expect(send(first, handed, { kind: 'watch' })).rejects.toMatchObject(refusal('invalid_api_key'));
    await expect(send(first, handed, completion())).rejects.toMatchObject(refusal('invalid_api_key'));
    const next = { ...handed, token: tokenOf() };
    await send(second, next, { kind: 'start', engine: 'engine-two-0123456789' });
    await reply(second, next, 1, 'web.search', search);
    await send(second, next, completion(), [{ kind: 'stdout', text: 'one\ntwo\n', at: 0 }]);
    expect(await runOf(handed)).toMatchObject({ state: 'succeeded', attempt: 2 });
    expect(second.judged.filter(({ action }) => action === 'search')).toHaveLength(0);
    const texts = (await eventsOf(handed.id)).flatMap(({ event, data }) => (event === 'stdout' ? [data.text] : []));
    expect(texts.join('')).toBe('one\ntwo\n');
  });

  test.each([
    ['after an effect', 'interpreter_crash', false],
    ['in the middle of one', 'outcome_unknown', true],
  ])('%s ends the run as %s', async (_when, code, never_answers) => {
    first.manifests.push(manifest('mail', { side_effects: 'write' }));
    const begun = Promise.withResolvers<void>();
    first.invokeTool = async () => {
      begun.resolve();
      return never_answers
        ? new Promise(() => undefined)
        : { kind: 'result', value: 'sent', truncated: false, receipt: 'r' };
    };
    const handed = await started();
    const answer = reply(first, handed, 1, 'tools.call', { name: 'mail', args: {} });
    await (never_answers ? begun.promise : answer);
    first.pass(attempt_ms);
    expect(await second.jobs.advance(handed.job_id, signal)).toBe('done');
    expect(await runOf(handed)).toMatchObject({ state: 'failed', exit_code: 70, error: { code } });
    await expect(send(second, handed, completion())).resolves.toEqual({ kind: 'done' });
    expect(await runOf(handed)).toMatchObject({ state: 'failed' });
  });

  test('is heard once more when its completion comes before the sweep', async () => {
    const handed = await started();
    first.pass(attempt_ms + 60_000);
    await expect(send(first, handed, { kind: 'watch' })).rejects.toMatchObject(refusal('run_over'));
    await send(first, handed, completion({ result: 1 }));
    expect(await runOf(handed)).toMatchObject({ state: 'succeeded', result: 1 });
    expect(await first.jobs.advance(handed.job_id, signal)).toBe('done');
  });
});

describe('a completion', () => {
  test('that comes twice, also twice at once, is taken in once', async () => {
    const handed = await started();
    const all = await Promise.allSettled(
      [first, second, first, second].map((world) => send(world, handed, completion({ result: 1 }))),
    );
    const refused = all.filter(({ status }) => status === 'rejected');
    for (const one of refused) expect(one).toMatchObject({ reason: refusal('write_conflict') });
    expect(refused.length).toBeLessThan(4);
    expect(await send(second, handed, completion({ result: 2 }))).toEqual({ kind: 'done' });
    expect(await runOf(handed)).toMatchObject({ result: 1 });
    expect(first.statements.length + second.statements.length).toBe(1);
    expect((await eventsOf(handed.id)).filter(({ event }) => event === 'done')).toHaveLength(1);
  });

  test('races with the sweep that takes the attempt for lost: one of them has it, and the job lives with the run', async () => {
    for (let round = 0; round < 8; round += 1) {
      const handed = await started();
      first.pass(attempt_ms);
      const [told] = await Promise.allSettled([
        send(first, handed, completion()),
        second.jobs.advance(handed.job_id, signal),
      ]);
      const run = await runOf(handed);
      const job = await first.jobs.get(handed.job_id);
      if (run.state === 'succeeded') expect(job).toMatchObject({ state: 'done' });
      else {
        expect(run).toMatchObject({ state: 'running', attempt: 2 });
        expect(job).toMatchObject({ state: 'waiting' });
        expect(['fulfilled', 'rejected']).toContain(told.status);
        await first.runs.cancel(first.call(), run.id);
      }
    }
  });

  test('of a lost interpreter has the run tried once more at once, unless something was changed', async () => {
    const handed = await started();
    await send(first, handed, lost);
    expect(await runOf(handed)).toMatchObject({ state: 'queued' });
    await expect(send(first, handed, lost)).rejects.toMatchObject(refusal('run_over'));
    await first.jobs.advance(handed.job_id, signal);
    const next = { ...handed, token: tokenOf() };
    await send(second, next, { kind: 'start', engine });
    await send(second, next, lost);
    expect(await runOf(handed)).toMatchObject({ state: 'failed', attempt: 2, error: { code: 'interpreter_crash' } });
    expect(await first.jobs.get(handed.job_id)).toMatchObject({ state: 'done' });
  });

  test('of what nobody cancelled counts as lost', async () => {
    const handed = await started();
    await send(first, handed, completion({ state: 'cancelled', exit_code: 130 }));
    expect(await runOf(handed)).toMatchObject({ state: 'queued' });
  });

  test('is not taken for a run that this machine executes', async () => {
    const here = await openScriptWorld({ worker: false });
    try {
      let token = '';
      here.programs.set('p', async (guest) => {
        token = guest.start.token;
        const { id } = await created;
        for (const frame of [completion(), { kind: 'start', engine }, { kind: 'watch' }] as EngineFrame[]) {
          await expect(send(here, { id, token }, frame)).rejects.toMatchObject(refusal('run_over'));
        }
        return 'mine';
      });
      const created = here.runs.create(here.call(), here.request('p')).then(({ value }) => value);
      const { id } = await created;
      await here.runs.advance({ id: 'j', payload: { run_id: id, tenant: 'default' }, attempt: 1, signal });
      expect(await here.runs.get(here.call(), { id })).toMatchObject({ state: 'succeeded', result: 'mine' });
    } finally {
      await here.close();
    }
  });
});

describe('a cancellation', () => {
  test('before an engine came ends the run at once', async () => {
    const handed = await handOver();
    await first.runs.cancel(first.call(), handed.id);
    expect(await runOf(handed)).toMatchObject({ state: 'cancelled', exit_code: 130 });
    await expect(send(first, handed, { kind: 'start', engine })).rejects.toMatchObject(refusal('run_over'));
  });

  test('is heard by the watch, and the completion that follows keeps what was printed', async () => {
    const handed = await started();
    await second.runs.cancel(second.call(), handed.id);
    expect(await send(first, handed, { kind: 'watch' })).toEqual({ kind: 'watch', cancelled: true });
    expect(await reply(first, handed, 1, 'web.search', { query: 'q' })).toMatchObject({ error: { code: 'cancelled' } });
    await send(first, handed, completion({ state: 'cancelled', exit_code: 130, stdout: 'on\n' }));
    expect(await runOf(handed)).toMatchObject({ state: 'cancelled', exit_code: 130, stdout: 'on\n' });
  });

  test('of a silent engine is carried out after a short grace', async () => {
    const handed = await started();
    await first.runs.cancel(first.call(), handed.id);
    expect(await first.jobs.advance(handed.job_id, signal)).toBe('not_due');
    first.pass(limits.runs.cancel_grace_ms);
    expect(await first.jobs.advance(handed.job_id, signal)).toBe('done');
    expect(await runOf(handed)).toMatchObject({ state: 'cancelled' });
    expect(await send(first, handed, completion({ result: 'late' }))).toEqual({ kind: 'done' });
    expect(await runOf(handed)).toMatchObject({ state: 'cancelled' });
  });

  test('races with the completion: the run ends once, and stays as it ended', async () => {
    for (let round = 0; round < 8; round += 1) {
      const handed = await started();
      await Promise.allSettled([
        first.runs.cancel(first.call(), handed.id),
        send(second, handed, completion({ result: 1 })),
      ]);
      await send(second, handed, completion({ result: 1 }));
      const run = await runOf(handed);
      expect(run.state).toBe('succeeded');
      expect((await eventsOf(handed.id)).filter(({ event }) => event === 'done')).toHaveLength(1);
    }
  });

  test('of a call in another process closes what it waits for', async () => {
    const begun = Promise.withResolvers<AbortSignal>();
    first.answerChat = (_request, call) => {
      begun.resolve(call.signal);
      return new Promise((_, reject) => call.signal.addEventListener('abort', () => reject(new Error('closed'))));
    };
    const handed = await started();
    const answer = reply(first, handed, 1, 'llm.chat', { prompt: 'x', script_tools: [] });
    const upstream = await begun.promise;
    await second.runs.cancel(second.call(), handed.id);
    expect(await answer).toMatchObject({ kind: 'error', error: { code: 'cancelled' } });
    expect(upstream.aborted).toBe(true);
  });
});

describe('a call that comes twice', () => {
  const mail = { name: 'mail', args: {} };

  test.each([
    ['at one process', () => [first, first, first]],
    ['at several processes', () => [first, second, first.another()]],
  ])('at once, %s, does its work once and is answered alike', async (_where, worlds) => {
    let sent = 0;
    const all = worlds();
    for (const world of all) {
      if (world.manifests.length === 0) world.manifests.push(manifest('mail', { side_effects: 'write' }));
      world.invokeTool = async () => {
        sent += 1;
        await new Promise((resolve) => setTimeout(resolve, 50));
        return { kind: 'result', value: sent, truncated: false, receipt: 'r' };
      };
    }
    const handed = await started();
    const replies = await Promise.all(all.map((world) => reply(world, handed, 1, 'tools.call', mail)));
    expect(replies).toEqual(all.map(() => ({ kind: 'value', value: 1 })));
    expect(sent).toBe(1);
    expect(await reply(second, handed, 1, 'tools.call', mail)).toEqual({ kind: 'value', value: 1 });
    await send(first, handed, completion());
    expect((await eventsOf(handed.id)).map(({ event }) => event)).toEqual([
      'run',
      'tool_call',
      'tool_result',
      'result',
      'done',
    ]);
  });

  test('is not begun by a second process while the first one is at it; with other arguments it is forged', async () => {
    const open = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    first.answerChat = async () => {
      begun.resolve();
      await open.promise;
      return { text: 'once' };
    };
    const handed = await started();
    const chat = { prompt: 'x', script_tools: [] };
    const one = reply(first, handed, 1, 'llm.chat', chat);
    await begun.promise;
    const two = reply(second, handed, 1, 'llm.chat', chat);
    expect(await reply(second, handed, 2, 'llm.chat', chat)).toMatchObject({ error: { code: 'invalid_frame' } });
    open.resolve();
    expect([await one, await two]).toMatchObject([{ value: { text: 'once' } }, { value: { text: 'once' } }]);
    expect(second.chats).toHaveLength(0);
    const forged = await reply(second, handed, 1, 'llm.chat', { ...chat, prompt: 'y' });
    expect(forged).toMatchObject({ kind: 'error', error: { code: 'invalid_frame' } });
    expect(await send(first, handed, { kind: 'watch' })).toEqual({ kind: 'watch', cancelled: true });
    await send(first, handed, completion());
    expect(await runOf(handed)).toMatchObject({ state: 'failed', exit_code: 4, error: { code: 'forged_frame' } });
  });
});

describe('output', () => {
  const out = (text: string, at: number): Output => [{ kind: 'stdout', text, at }];

  test('is told once and in order, whichever process takes it and however often it comes', async () => {
    const handed = await started();
    await send(first, handed, { kind: 'watch' }, out('aé', 0));
    await send(second, handed, { kind: 'watch' }, out('aé', 0));
    await send(second, handed, { kind: 'watch' }, [...out('b', 3), { kind: 'stderr', text: 'E', at: 0 }]);
    await send(first, handed, { kind: 'watch' }, out('éb', 1));
    await send(first, handed, { kind: 'watch' }, out('bc', 3));
    await send(second, handed, completion(), out('d', 5));
    const events = await eventsOf(handed.id);
    const told = (kind: string) => events.flatMap(({ event, data }) => (event === kind ? [data.text] : []));
    expect([told('stdout'), told('stderr')]).toEqual([['aé', 'b', 'c', 'd'], ['E']]);
  });

  test('that was lost on its way does not take the rest with it', async () => {
    const handed = await started();
    await send(first, handed, { kind: 'watch' }, out('c', 2));
    await send(first, handed, completion(), out('d', 3));
    const events = await eventsOf(handed.id);
    expect(events.flatMap(({ event, data }) => (event === 'stdout' ? [data.text] : []))).toEqual(['c', 'd']);
  });

  test('beyond its most is left out, at a character', async () => {
    const handed = await started();
    const most = limits.runs.events_bytes_max;
    await send(first, handed, { kind: 'watch' }, out('é'.repeat(most / 2 - 1), 0));
    await send(second, handed, { kind: 'watch' }, out('😀', most - 2));
    await send(second, handed, { kind: 'watch' }, out('x', most + 2));
    await send(second, handed, completion());
    const texts = (await eventsOf(handed.id)).flatMap(({ event, data }) => (event === 'stdout' ? [data.text] : []));
    expect(texts.join('')).toBe('é'.repeat(most / 2 - 1));
  });

  test('of an attempt that is over is not told', async () => {
    const handed = await started();
    await send(first, handed, completion());
    await send(second, handed, completion(), out('late', 0));
    expect((await eventsOf(handed.id)).map(({ event }) => event)).toEqual(['run', 'result', 'done']);
  });
});

describe('a token', () => {
  test('opens nothing but its own run, and nothing where it is no token', async () => {
    const handed = await started();
    const other = await started();
    for (const [id, token] of [
      [other.id, handed.token],
      ['no-such-run', handed.token],
      [handed.id, `${handed.token.slice(0, -1)}${handed.token.endsWith('A') ? 'B' : 'A'}`],
      [handed.id, 'sg_key'],
      [handed.id, ''],
    ] as const) {
      const refused = send(first, { id, token }, { kind: 'watch' });
      await expect(refused).rejects.toMatchObject(refusal('invalid_api_key', 'run.token'));
    }
  });

  test('that ran out asks nothing any more', async () => {
    const handed = await started();
    first.pass(wall_ms + limits.runs.token_grace_ms);
    await expect(send(first, handed, { kind: 'watch' })).rejects.toMatchObject(refusal('run_over'));
    const call: EngineFrame = { kind: 'call', seq: 1, method: 'web.search', args: { query: 'q' } };
    await expect(send(first, handed, call)).rejects.toMatchObject(refusal('run_over'));
  });
});

describe('a machine that is switched off in the middle of a call', () => {
  test('is replaced by another one, which gets the answers that are there and asks for the rest', async () => {
    const stuck = Promise.withResolvers<void>();
    const searching: GuestProgram = async (guest) => {
      guest.print('begun\n');
      await guest.call('web.search', { query: 'one', k: 1 });
      await guest.call('llm.chat', { prompt: 'x', script_tools: [] });
      return guest.call('web.search', { query: 'two', k: 1 });
    };
    for (const world of [first, second]) world.programs.set('p', searching);
    const silence = Promise.withResolvers<{ text: string }>();
    first.answerChat = () => {
      stuck.resolve();
      return silence.promise;
    };
    const handed = await handOver();
    const dying = first.newRelay();
    dying.run({ run_id: handed.id, token: handed.token }).catch(() => undefined);
    await stuck.promise;
    dying.kill();
    first.pass(attempt_ms);
    // The process that was at the call for it is gone as well, and its claim with it.
    await second.jobs.advance(handed.job_id, signal);
    second.answerChat = async () => ({ text: 'again' });
    expect(await second.newRelay().run({ run_id: handed.id, token: tokenOf() })).toBe('completed');
    expect(await runOf(handed)).toMatchObject({ state: 'succeeded', attempt: 2, result: [{ title: 'two' }] });
    expect(second.judged.filter(({ action }) => action === 'search')).toHaveLength(1);
    const texts = (await eventsOf(handed.id)).flatMap(({ event, data }) => (event === 'stdout' ? [data.text] : []));
    expect(texts).toEqual(['begun\n']);
    silence.resolve({ text: 'nobody waits for this any more' });
  });
});
