import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  manifest,
  openScriptWorld,
  toolCall,
  type GuestProgram,
  type World,
} from '../../../tests/fixtures/script-world.ts';
import type { JsonObject } from '../json.ts';
import type { Run } from './runs.ts';

/**
 * Two processes on one store. The first one's sandbox stands still at some point and is never heard of again, as after
 * `kill -9`; the second one takes the job. Which of them runs the job is decided by calling `advance`, not by a timer.
 */
let first: World;
let second: World;
beforeEach(async () => {
  first = await openScriptWorld({ worker: false });
  second = first.another();
});
afterEach(() => first.close());

interface Job {
  readonly id: string;
  readonly payload: JsonObject;
  readonly attempt: number;
  readonly signal: AbortSignal;
}

/** Starts the run in the first process and leaves it when `stuck` resolves. */
async function abandon(program: (stand: () => Promise<never>) => GuestProgram): Promise<{ id: string; job: Job }> {
  let stuck = (): void => undefined;
  const standing = new Promise<void>((resolve) => (stuck = resolve));
  const stand = (): Promise<never> => {
    stuck();
    return new Promise(() => undefined);
  };
  first.programs.set('p', program(stand));
  const { value } = await first.runs.create(first.call(), first.request('p'));
  const job = {
    id: 'job',
    payload: { run_id: value.id, tenant: 'default' },
    attempt: 1,
    signal: new AbortController().signal,
  };
  // It ends when the test does, and nobody waits for it.
  first.runs.advance(job).catch(() => undefined);
  await standing;
  return { id: value.id, job };
}

async function goOn({ id, job }: { id: string; job: Job }, program: GuestProgram): Promise<Run> {
  second.programs.set('p', program);
  await second.runs.advance(job);
  return second.runs.get(second.call(), { id });
}

async function eventsOf(id: string): Promise<{ id: number; event: string; data: unknown }[]> {
  const found = [];
  for await (const event of await second.runs.events(second.call(), { id, after: 0 })) found.push(event);
  return found;
}

describe('a run whose process was killed', () => {
  test('goes on in another one: same seed and clock, answered calls from the journal, output told once', async () => {
    const starts: string[] = [];
    const searching: GuestProgram = async (guest) => {
      starts.push(`${guest.start.seed} ${guest.start.clock_base_ms}`);
      guest.print('one\n');
      const found = await guest.call('web.search', { query: 'q', k: 1 });
      guest.print('two\n');
      return found;
    };
    const left = await abandon((stand) => async (guest) => {
      await searching(guest);
      await guest.call('web.search', { query: 'second', k: 1 });
      return stand();
    });
    const run = await goOn(left, async (guest) => {
      await searching(guest);
      const again = await guest.call('web.search', { query: 'second', k: 1 });
      guest.print('three\n');
      return again;
    });
    expect(run).toMatchObject({ state: 'succeeded', attempt: 2, stdout: 'one\ntwo\nthree\n' });
    expect(run.result).toMatchObject([{ title: 'second' }]);
    expect(starts[0]).toBe(starts[1]);
    expect(first.judged.filter(({ action }) => action === 'search')).toHaveLength(2);
    expect(second.judged.filter(({ action }) => action === 'search')).toHaveLength(0);
    const events = await eventsOf(run.id);
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
    const text = events.flatMap(({ event, data }) => (event === 'stdout' ? [(data as { text: string }).text] : []));
    expect(text.join('')).toBe('one\ntwo\nthree\n');
    expect(run.receipts).toHaveLength(4);
  });

  test('goes on with a chat that waited for a tool of the script', async () => {
    const soma = { name: 'soma', parameters: { type: 'object' } };
    const chat = { prompt: 'x', script_tools: [soma] };
    first.answerChat = async () => ({ tool_calls: [toolCall('soma', { a: 1 })] });
    second.answerChat = async ({ messages }) => ({ text: JSON.stringify(messages.at(-1)?.content) });
    const left = await abandon((stand) => async (guest) => {
      await guest.frame({ method: 'llm.chat', args: chat });
      return stand();
    });
    const run = await goOn(left, async (guest) => {
      guest.tools.set('soma', () => 42);
      return guest.call('llm.chat', chat);
    });
    expect(run.result).toMatchObject({ text: '"42"', tool_calls: [{ name: 'soma', args: { a: 1 }, result: 42 }] });
    expect([first.chats.length, second.chats.length]).toEqual([1, 1]);
  });

  test.each<[string, boolean, Partial<Run>]>([
    ['ends as outcome_unknown if an effect was begun and never answered', false, { state: 'failed', exit_code: 70 }],
    ['makes the call again if the tool is idempotent', true, { state: 'succeeded', result: 'sent' }],
  ])('%s', async (_name, idempotent, expected) => {
    for (const world of [first, second]) world.manifests.push(manifest('mail', { side_effects: 'write', idempotent }));
    second.invokeTool = async () => ({ kind: 'result', value: 'sent', truncated: false, receipt: 'r' });
    const left = await abandon((stand) => {
      first.invokeTool = stand;
      return (guest) => guest.call('tools.call', { name: 'mail', args: {} });
    });
    const run = await goOn(left, (guest) => guest.call('tools.call', { name: 'mail', args: {} }));
    expect(run).toMatchObject(expected);
    if (!idempotent) expect(run.error).toMatchObject({ code: 'outcome_unknown' });
  });

  test('that takes another road the second time ends as diverged, with exit 8', async () => {
    const left = await abandon((stand) => async (guest) => {
      await guest.call('web.search', { query: 'a', k: 1 });
      return stand();
    });
    const run = await goOn(left, (guest) => guest.call('web.search', { query: 'b', k: 1 }));
    expect(run).toMatchObject({ state: 'failed', exit_code: 8, error: { code: 'replay_diverged' } });
  });

  test('is given up after three lost processes', async () => {
    const left = await abandon((stand) => () => stand());
    for (let count = 0; count < 3; count += 1) {
      const process = first.another();
      let standing = (): void => undefined;
      const begun = new Promise<void>((resolve) => (standing = resolve));
      process.programs.set('p', () => {
        standing();
        return new Promise(() => undefined);
      });
      process.runs.advance(left.job).catch(() => undefined);
      await begun;
    }
    const run = await goOn(left, async () => 1);
    expect(run).toMatchObject({ state: 'failed', exit_code: 70, error: { code: 'interpreter_crash' } });
  });

  test('refuses the frames of the attempt that was lost', async () => {
    let token = '';
    const left = await abandon((stand) => (guest) => {
      token = guest.start.token;
      return stand();
    });
    const run = await goOn(left, async (guest) => {
      const late = await guest.frame({ method: 'web.search', args: { query: 'late', k: 1 }, seq: 1, token });
      return late.kind === 'error' ? late.error.code : late.kind;
    });
    expect(run.result).toBe('invalid_token');
  });
});

describe('a run whose worker is told to stop', () => {
  test('is put back and goes on elsewhere, without counting as lost', async () => {
    const stopping = new AbortController();
    let begun = (): void => undefined;
    const standing = new Promise<void>((resolve) => (begun = resolve));
    first.programs.set('p', () => {
      begun();
      return new Promise(() => undefined);
    });
    const { value } = await first.runs.create(first.call(), first.request('p'));
    const payload = { run_id: value.id, tenant: 'default' };
    const advanced = first.runs.advance({ id: 'job', payload, attempt: 1, signal: stopping.signal });
    await standing;
    stopping.abort();
    await expect(advanced).rejects.toThrow('another worker goes on');
    expect((await first.runs.get(first.call(), { id: value.id })).state).toBe('queued');
    const job = { id: 'job', payload, attempt: 2, signal: new AbortController().signal };
    expect(await goOn({ id: value.id, job }, async () => 'done')).toMatchObject({ state: 'succeeded', result: 'done' });
  });

  test('advancing a run that has ended, or that is not there, does nothing', async () => {
    const signal = new AbortController().signal;
    await first.runs.advance({ id: 'j', payload: { run_id: 'none', tenant: 'default' }, attempt: 1, signal });
    const left = await abandon((stand) => () => stand());
    const run = await goOn(left, async () => 1);
    await second.runs.advance(left.job);
    expect(await second.runs.get(second.call(), { id: run.id })).toEqual(run);
  });
});
