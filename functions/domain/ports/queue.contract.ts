import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { DeadLetter, Queue, ReceivedMessage } from './queue.ts';

export interface QueueStand {
  /** Empty, with `attempts_max` 3. */
  readonly queue: Queue;
  /** A second consumer of the same queue. */
  readonly other: Queue;
  /** Lets that much time go by for the queue: moves its clock, or waits. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
  /**
   * Lets another process send pairs of messages, `<round>#a` and `<round>#b` in one batch, kills it at a random moment,
   * and answers the rounds that it was told were sent.
   */
  crash?(): Promise<readonly string[]>;
}

const visibility_ms = 5000;
const { signal } = new AbortController();

/** The suite of the Queue port; every test opens a queue of its own. A queue may be one that keeps no order. */
export function describeQueue(
  name: string,
  open: () => Promise<QueueStand>,
  { crash_rounds = 20, keeps_order = true }: { crash_rounds?: number; keeps_order?: boolean } = {},
): void {
  describe(`Queue: ${name}`, () => {
    let stand: QueueStand;
    let queue: Queue;

    beforeEach(async () => {
      stand = await open();
      queue = stand.queue;
    });
    afterEach(() => stand.close());

    const receive = (max = 10, from = queue) => from.receive({ max, visibility_ms, wait_ms: 0, signal });
    const bodies = (messages: readonly { body: string }[]) => messages.map(({ body }) => body);
    const send = (...texts: string[]) => queue.send(texts.map((body) => ({ body })));

    async function one(): Promise<ReceivedMessage> {
      const [message] = await receive(1);
      if (message === undefined) throw new Error('expected a message');
      return message;
    }

    async function letters(): Promise<DeadLetter[]> {
      return (await queue.deadLetters({ limit: 100 })).letters;
    }

    describe('delivery', () => {
      test('hands each message to one consumer, with its text unchanged', async () => {
        const text = '{"job_id":"não 🙂 \\u0000"}\n';
        await send(text, 'two', 'three');
        const all = [...(await receive(2)), ...(await receive(10, stand.other))];
        expect(bodies(all).sort()).toEqual([text, 'two', 'three'].sort());
        expect(all.every(({ attempt }) => attempt === 1)).toBe(true);
        expect(new Set(all.map(({ id }) => id)).size).toBe(3);
        expect(await receive()).toEqual([]);
      });

      test('never hands one message to two of many consumers', async () => {
        for (let batch = 0; batch < 4; batch += 1) await send(...Array.from({ length: 10 }, (_, n) => `${batch}.${n}`));
        const received = await Promise.all(
          Array.from({ length: 20 }, (_, index) => receive(3, index % 2 === 0 ? queue : stand.other)),
        );
        const all = bodies(received.flat());
        expect(all).toHaveLength(40);
        expect(new Set(all).size).toBe(40);
      });

      test('ends with a completion', async () => {
        await send('x');
        expect(await queue.complete((await one()).handle)).toBe('completed');
        await stand.pass(visibility_ms);
        expect(await receive()).toEqual([]);
        expect(await letters()).toEqual([]);
      });

      test('waits out a delay', async () => {
        await queue.send([{ body: 'later', delay_ms: 2000 }, { body: 'now' }]);
        expect(bodies(await receive())).toEqual(['now']);
        await stand.pass(2000);
        expect(bodies(await receive())).toEqual(['later']);
      });

      test('waits for a message that is sent meanwhile', async () => {
        const waiting = queue.receive({ max: 1, visibility_ms, wait_ms: 20_000, signal });
        await send('x');
        expect(bodies(await waiting)).toEqual(['x']);
      });

      test('stops waiting when its signal aborts, or has', async () => {
        const stop = new AbortController();
        const waiting = queue.receive({ max: 1, visibility_ms, wait_ms: 20_000, signal: stop.signal });
        stop.abort();
        expect(await waiting).toEqual([]);
        await send('x');
        expect(await queue.receive({ max: 1, visibility_ms, wait_ms: 20_000, signal: stop.signal })).toEqual([]);
        expect(bodies(await receive())).toEqual(['x']);
      });

      test('comes again when the consumer died, and counts', async () => {
        await send('x');
        const first = await one();
        await stand.pass(visibility_ms - 1000);
        expect(await receive()).toEqual([]);
        await stand.pass(1000);
        const second = await one();
        expect(second).toMatchObject({ id: first.id, body: 'x', attempt: 2 });
        expect(second.handle).not.toBe(first.handle);
      });

      test('comes again when it was released, no sooner than asked', async () => {
        await send('x');
        expect(await queue.release((await one()).handle, 2000)).toBe('released');
        expect(await receive()).toEqual([]);
        await stand.pass(2000);
        expect(await one()).toMatchObject({ body: 'x', attempt: 2 });
      });
    });

    describe('a stale handle', () => {
      test('changes nothing once the message was handed out again', async () => {
        await send('x');
        const { handle } = await one();
        await stand.pass(visibility_ms);
        const again = await one();
        expect(await queue.complete(handle)).toBe('stale');
        expect(await queue.release(handle, 0)).toBe('stale');
        expect(await queue.deadLetter(handle, 'no')).toBe('stale');
        expect(await receive()).toEqual([]);
        expect(await letters()).toEqual([]);
        expect(await queue.complete(again.handle)).toBe('completed');
      });

      test('is any that was completed, and any that never was one', async () => {
        await send('x');
        const { handle } = await one();
        await queue.complete(handle);
        for (const text of [handle, '', '1', '0.0', '9999.1', '1.1.1', 'x', "'; DROP TABLE messages"]) {
          expect(await queue.complete(text)).toBe('stale');
          expect(await queue.release(text, 0)).toBe('stale');
          expect(await queue.deadLetter(text, 'no')).toBe('stale');
        }
      });
    });

    describe('dead letters', () => {
      test('are what was handed out `attempts_max` times for nothing', async () => {
        await send('poison');
        for (let attempt = 1; attempt <= 3; attempt += 1) {
          expect(await one()).toMatchObject({ body: 'poison', attempt });
          await stand.pass(visibility_ms);
        }
        await send('good');
        expect(bodies(await receive())).toEqual(['good']);
        expect(await letters()).toMatchObject([{ body: 'poison', attempts: 3, reason: 'attempts_exhausted' }]);
      });

      test('are what a consumer calls poison, with its reason', async () => {
        await send('poison');
        expect(await queue.deadLetter((await one()).handle, 'malformed')).toBe('dead');
        await stand.pass(visibility_ms);
        expect(await receive()).toEqual([]);
        const [letter] = await letters();
        expect(letter).toMatchObject({ body: 'poison', attempts: 1, reason: 'malformed' });
        expect(Number.isInteger(letter?.dead_at)).toBe(true);
      });

      test('go back as new messages, each once', async () => {
        await send('a', 'b', 'c');
        for (const { handle } of await receive()) await queue.deadLetter(handle, 'no');
        const ids = (await letters()).filter(({ body }) => body !== 'b').map(({ id }) => id);
        expect(await queue.redrive([...ids, ...ids, 'never', '99999'])).toBe(2);
        expect(await queue.redrive(ids)).toBe(0);
        expect(await queue.redrive([])).toBe(0);
        const back = await receive();
        expect(bodies(back).sort()).toEqual(['a', 'c']);
        expect(back.every(({ attempt }) => attempt === 1)).toBe(true);
        expect(bodies(await letters())).toEqual(['b']);
      });

      test('are listed page by page', async () => {
        await send('a', 'b', 'c', 'd', 'e');
        for (const { handle } of await receive()) await queue.deadLetter(handle, 'no');
        const found: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await queue.deadLetters(cursor === undefined ? { limit: 2 } : { limit: 2, cursor });
          found.push(...bodies(page.letters));
          cursor = page.cursor;
        } while (cursor !== undefined);
        expect(found.sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
        await expect(queue.deadLetters({ limit: 0 })).rejects.toThrow(TypeError);
        await expect(queue.deadLetters({ limit: 2, cursor: 'x' })).rejects.toThrow(TypeError);
      });
    });

    const describeGroup = keeps_order ? describe : describeNone;

    describeGroup('a group', () => {
      const sendGrouped = (group: string, ...texts: string[]) => queue.send(texts.map((body) => ({ body, group })));

      test('is handed out in the order of sending, one at a time', async () => {
        await sendGrouped('g', '1', '2', '3');
        for (const body of ['1', '2', '3']) {
          const messages = await receive();
          expect(messages).toMatchObject([{ body, group: 'g' }]);
          expect(await receive()).toEqual([]);
          await queue.complete(messages[0]?.handle ?? '');
        }
        expect(await receive()).toEqual([]);
      });

      test('does not hold up another, nor what has none', async () => {
        await sendGrouped('g', 'g1', 'g2');
        await sendGrouped('h', 'h1', 'h2');
        await send('free');
        expect(bodies(await receive()).sort()).toEqual(['free', 'g1', 'h1']);
      });

      test('keeps its order over a death, a release and a delay', async () => {
        await sendGrouped('g', '1', '2');
        await one();
        await stand.pass(visibility_ms);
        expect(await queue.release((await one()).handle, 1000)).toBe('released');
        expect(await receive()).toEqual([]);
        await stand.pass(1000);
        expect(await one()).toMatchObject({ body: '1', attempt: 3 });
      });

      test('goes on behind a dead letter', async () => {
        await sendGrouped('g', '1', '2', '3');
        await queue.deadLetter((await one()).handle, 'no');
        for (let attempt = 1; attempt <= 3; attempt += 1) {
          expect(await one()).toMatchObject({ body: '2', attempt });
          await stand.pass(visibility_ms);
        }
        expect(await one()).toMatchObject({ body: '3', attempt: 1 });
        expect(bodies(await letters())).toEqual(['1', '2']);
      });
    });

    describe('refuses', () => {
      const { batch_max, message_bytes_max } = limits.queue;

      test('a batch that is empty, too long, or broken in one place, and sends none of it', async () => {
        const good = { body: 'good' };
        for (const messages of [
          [],
          Array.from({ length: batch_max + 1 }, () => good),
          [good, { body: '' }],
          [good, { body: 'é'.repeat(message_bytes_max / 2) + 'x' }],
          [good, { body: '\ud800' }],
          [good, { body: 'x', delay_ms: 900_001 }],
          [good, { body: 'x', delay_ms: -1 }],
          [good, { body: 'x', group: '' }],
          [good, { body: 'x', group: 'a b' }],
          ...(keeps_order ? [] : [[good, { body: 'x', group: 'g' }]]),
        ]) {
          await expect(queue.send(messages)).rejects.toThrow(TypeError);
        }
        expect(await receive()).toEqual([]);
      });

      test('numbers that mean nothing', async () => {
        const good = { max: 1, visibility_ms, wait_ms: 0, signal };
        for (const bad of [{ max: 0 }, { max: 11 }, { visibility_ms: 0 }, { wait_ms: -1 }, { wait_ms: Number.NaN }]) {
          await expect(queue.receive({ ...good, ...bad })).rejects.toThrow(TypeError);
        }
        await send('x');
        await expect(queue.release((await one()).handle, -1)).rejects.toThrow(TypeError);
      });

      test('nothing of a message as long as allowed', async () => {
        const body = 'é'.repeat(message_bytes_max / 2);
        await send(body);
        expect((await one()).body).toBe(body);
      });
    });

    test('keeps every acknowledged batch, and no half of one, when its sender is killed', async () => {
      if (stand.crash === undefined) return;
      for (let round = 0; round < crash_rounds; round += 1) {
        const acknowledged = await stand.crash();
        const found = new Set<string>();
        for (;;) {
          const messages = await receive(10, stand.queue);
          if (messages.length === 0) break;
          for (const { body, handle } of messages) {
            found.add(body);
            await stand.queue.complete(handle);
          }
        }
        expect(acknowledged.length).toBeGreaterThan(0);
        for (const id of acknowledged) expect([found.has(`${id}#a`), found.has(`${id}#b`)]).toEqual([true, true]);
        for (const body of found) expect(found.has(body.slice(0, -1) + (body.endsWith('a') ? 'b' : 'a'))).toBe(true);
      }
    }, 120_000);
  });
}

/** For what such a queue refuses. */
function describeNone(_title: string, _tests: () => void): void {}
