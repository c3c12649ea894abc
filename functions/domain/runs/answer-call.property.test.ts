import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openScriptWorld, type Guest, type World } from '../../../tests/fixtures/script-world.ts';
import type { JsonObject } from '../json.ts';
import type { CallFrame, ReplyFrame } from '../ports/script-host.ts';
import { stateKey } from './keys.ts';

let world: World;
beforeAll(async () => {
  world = await openScriptWorld();
});
afterAll(() => world.close());

/** A run that stands still while `work` plays its guest. */
async function withGuest<T>(work: (guest: Guest) => Promise<T>): Promise<T> {
  let opened: (guest: Guest) => void = () => undefined;
  let done = (): void => undefined;
  const opening = new Promise<Guest>((resolve) => (opened = resolve));
  const finished = new Promise<void>((resolve) => (done = resolve));
  world.programs.set('p', async (guest) => {
    opened(guest);
    await finished;
    return null;
  });
  const { value } = await world.runs.create(world.call(), world.request('p'));
  try {
    return await work(await opening);
  } finally {
    done();
    await world.runs.get(world.call(), { id: value.id, wait_ms: 20_000 });
  }
}

function codeOf(reply: ReplyFrame): string {
  return reply.kind === 'error' ? reply.error.code : reply.kind;
}

test('whatever a frame is, the answer is an error frame and nothing happens', async () => {
  await withGuest(async ({ start }) => {
    const judged = world.judged.length;
    const honest = {
      run_id: start.run_id,
      token: start.token,
      seq: 1,
      method: 'web.search',
      args: { query: 'q', k: 1 },
    };
    const broken = fc.oneof(
      fc.anything(),
      fc.record({ ...constants(honest), token: fc.string() }),
      fc.record({ ...constants(honest), run_id: fc.oneof(fc.string(), fc.constant('../../x'), fc.uuid()) }),
      fc.record({
        ...constants(honest),
        seq: fc.oneof(fc.constantFrom(0, -1, 1.5, 2, 3, 1e9, NaN, Infinity), fc.string()),
      }),
      fc.record({ ...constants(honest), token: mutated(start.token) }),
      fc.record({
        ...constants(honest),
        args: fc.oneof(fc.string(), fc.array(fc.anything()), fc.constant(nested(70))),
      }),
    );
    await fc.assert(
      fc.asyncProperty(broken, async (frame) => {
        const reply = await world.runs.answerCall(frame as CallFrame);
        expect(reply.kind).toBe('error');
        expect(['invalid_frame', 'invalid_token', 'limit_exceeded']).toContain(codeOf(reply));
      }),
      { numRuns: 400 },
    );
    expect(world.judged).toHaveLength(judged);
  });
});

test('whatever the method and its arguments are, the answer is a frame, and the calls after it work', async () => {
  await withGuest(async (guest) => {
    let seq = 0;
    const method = fc.oneof(
      fc.constantFrom('llm.chat', 'tool.result', 'tools.call', 'web.search', 'embed', '__proto__', 'constructor'),
      fc.string({ maxLength: 64 }),
    );
    const args = fc.oneof(
      fc.dictionary(fc.string(), fc.jsonValue() as fc.Arbitrary<never>),
      fc.record(
        {
          call_id: fc.string(),
          ok: fc.boolean(),
          name: fc.string(),
          prompt: fc.jsonValue(),
          messages: fc.jsonValue(),
          tools: fc.jsonValue(),
          script_tools: fc.array(fc.record({ name: fc.string(), parameters: fc.jsonValue() })),
          query: fc.jsonValue(),
          texts: fc.jsonValue(),
          k: fc.jsonValue(),
        },
        { requiredKeys: [] },
      ),
    );
    await fc.assert(
      fc.asyncProperty(method, args, async (name, given) => {
        seq += 1;
        const reply = await guest.frame({ seq, method: name, args: given as JsonObject });
        expect(['value', 'error', 'call_tool']).toContain(reply.kind);
        if (reply.kind === 'error') expect(reply.error.code).not.toBe('internal');
      }),
      { numRuns: 300 },
    );
    const after = await guest.frame({ seq: seq + 1, method: 'embed', args: { texts: ['a'] } });
    expect(after.kind).toBe('value');
  });
});

test('a call that is sent again gets the same answer and is made once, also while it is under way', async () => {
  await withGuest(async (guest) => {
    const judged = world.judged.length;
    const frame = { seq: 1, method: 'web.search', args: { query: 'once', k: 1 } };
    const replies = await Promise.all([guest.frame(frame), guest.frame(frame)]);
    expect(await guest.frame(frame)).toEqual(replies[0]);
    expect(replies[1]).toEqual(replies[0]);
    expect(world.judged).toHaveLength(judged + 1);
  });
});

test('a number that is used again for another call ends the run as a violation', async () => {
  world.programs.set('forger', async (guest) => {
    await guest.frame({ seq: 1, method: 'web.search', args: { query: 'a', k: 1 } });
    await guest.frame({ seq: 1, method: 'web.search', args: { query: 'b', k: 1 } });
    return 'unpunished';
  });
  const { value } = await world.runs.create(world.call(), world.request('forger'));
  const run = await world.runs.get(world.call(), { id: value.id, wait_ms: 20_000 });
  expect(run).toMatchObject({ state: 'failed', exit_code: 4, error: { code: 'forged_frame' } });
});

test("another run's token, and a token whose run has ended, open nothing", async () => {
  const used = await withGuest(async (guest) => {
    const other = await withGuestOf('other', async ({ start }) =>
      guest.frame({ seq: 1, method: 'embed', args: { texts: ['a'] }, token: start.token }),
    );
    expect(codeOf(other)).toBe('invalid_token');
    return guest;
  });
  expect(codeOf(await used.frame({ seq: 1, method: 'embed', args: { texts: ['a'] } }))).toBe('invalid_token');

  async function withGuestOf<T>(script: string, work: (guest: Guest) => Promise<T>): Promise<T> {
    let result: Promise<T> | undefined;
    world.programs.set(script, async (guest) => {
      result = work(guest);
      await result;
      return null;
    });
    const { value } = await world.runs.create(world.call(), world.request(script));
    await world.runs.get(world.call(), { id: value.id, wait_ms: 20_000 });
    if (result === undefined) throw new Error('the program did not run');
    return result;
  }
});

test('a token opens nothing after its time, though its run still goes on', async () => {
  await withGuest(async (guest) => {
    const key = stateKey('default', guest.start.run_id);
    const expire = { kind: 'update', key, set: { token_expires_at: Date.now() - 1 } } as const;
    expect(await world.table.write(expire, Date.now())).toMatchObject({ kind: 'written' });
    expect(codeOf(await guest.frame({ seq: 1, method: 'embed', args: { texts: ['a'] } }))).toBe('invalid_token');
  });
});

function constants<T extends object>(value: T): { [K in keyof T]: fc.Arbitrary<T[K]> } {
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, fc.constant(one)])) as {
    [K in keyof T]: fc.Arbitrary<T[K]>;
  };
}

function mutated(token: string): fc.Arbitrary<string> {
  return fc
    .tuple(fc.nat(token.length - 1), fc.constantFrom('A', 'b', '~', '9', '-'))
    .map(([at, letter]) => token.slice(0, at) + letter + token.slice(at + 1))
    .filter((changed) => changed !== token);
}

function nested(depth: number): JsonObject {
  let value: JsonObject = {};
  for (let level = 0; level < depth; level += 1) value = { a: value };
  return value;
}
