import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Objects, PutOptions } from './objects.ts';

export interface ObjectsStand {
  readonly objects: Objects;
  close(): Promise<void>;
  /**
   * Lets another process replace the object `key` again and again with bodies made by `crashBody(n)`, n = 1, 2, …, kills it
   * at a random moment, and answers the numbers that it was told were written.
   */
  crash?(key: string): Promise<readonly string[]>;
}

/** 64 KiB that name their number in every line: a torn one cannot pass for whole. */
export function crashBody(number: number): Uint8Array {
  return Buffer.from(`${String(number).padStart(15, '0')}\n`.repeat(4096));
}

/** The suite of the Objects port. Needs no empty store: every test keeps to keys of its own. */
export function describeObjects(name: string, open: () => Promise<ObjectsStand>, crash_rounds = 20): void {
  describe(`Objects: ${name}`, () => {
    let stand: ObjectsStand;
    let objects: Objects;
    let last = 0;
    const run = `contract/${Date.now().toString(36)}${Math.random().toString(36).slice(2)}`;
    const newPrefix = () => `${run}/${++last}/`;
    const bytes = (text: string) => new Uint8Array(Buffer.from(text));
    const textOf = async (key: string) => {
      const object = await objects.get(key);
      return object === undefined ? undefined : Buffer.from(object.body).toString();
    };

    beforeAll(async () => {
      stand = await open();
      objects = stand.objects;
    });
    afterAll(() => stand.close());

    async function write(key: string, text: string, options?: PutOptions): Promise<string> {
      const result = await objects.put(key, bytes(text), options);
      if (result.kind === 'refused') throw new Error(`expected ${key} to be written`);
      return result.etag;
    }

    async function listAll(prefix: string, limit: number): Promise<string[]> {
      const keys: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await objects.list(cursor === undefined ? { prefix, limit } : { prefix, limit, cursor });
        expect(page.keys.length).toBeLessThanOrEqual(limit);
        keys.push(...page.keys);
        cursor = page.cursor;
      } while (cursor !== undefined);
      return keys;
    }

    describe('an object', () => {
      test('comes back byte for byte, with the tag that its put answered', async () => {
        const key = `${newPrefix()}a/b/c.bin`;
        const body = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7919) % 256);
        const put = await objects.put(key, body);
        expect(put.kind).toBe('written');
        const found = await objects.get(key);
        expect(Buffer.compare(found?.body ?? new Uint8Array(), body)).toBe(0);
        expect(found).toMatchObject({ etag: put.etag, bytes: body.length });
        expect(await objects.head(key)).toEqual({ etag: put.etag, bytes: body.length });
      });

      test('may be empty, and need not be durable', async () => {
        const key = `${newPrefix()}empty`;
        const etag = await write(key, '', { durable: false });
        expect(await objects.get(key)).toEqual({ etag, bytes: 0, body: new Uint8Array() });
      });

      test('is absent before it was put and after it was deleted; deleting it twice is fine', async () => {
        const key = `${newPrefix()}a/b`;
        expect(await objects.get(key)).toBeUndefined();
        expect(await objects.head(key)).toBeUndefined();
        await objects.delete(key);
        await write(key, 'x');
        await objects.delete(key);
        await objects.delete(key);
        expect(await objects.get(key)).toBeUndefined();
        expect(await objects.head(`${key}/below`)).toBeUndefined();
      });

      test('has another tag whenever it has another content', async () => {
        const key = `${newPrefix()}a`;
        const tags = new Set<string>();
        for (const text of ['one', 'two', 'six']) {
          const etag = await write(key, text);
          expect((await objects.head(key))?.etag).toBe(etag);
          expect(await textOf(key)).toBe(text);
          tags.add(etag);
        }
        expect(tags.size).toBe(3);
      });

      test.each([
        [0, 4, '0123'],
        [3, 5, '34'],
        [8, 99, '89'],
        [10, 12, ''],
        [50, 60, ''],
        [4, 4, ''],
      ])('is read from %d to %d', async (from, to, text) => {
        const key = `${newPrefix()}a`;
        const etag = await write(key, '0123456789');
        const found = await objects.get(key, { from, to });
        expect(Buffer.from(found?.body ?? []).toString()).toBe(text);
        expect(found).toMatchObject({ etag, bytes: 10 });
      });

      test.each([
        [-1, 2],
        [3, 2],
        [0.5, 2],
        [0, Number.NaN],
      ])('is not read from %d to %d', async (from, to) => {
        await expect(objects.get(`${newPrefix()}a`, { from, to })).rejects.toThrow(TypeError);
      });
    });

    describe('a condition', () => {
      test('`ifAbsent` never replaces, and tells the tag that is there', async () => {
        const key = `${newPrefix()}a`;
        const etag = await write(key, 'first', { ifAbsent: true });
        expect(await objects.put(key, bytes('second'), { ifAbsent: true })).toEqual({ kind: 'refused', etag });
        expect(await textOf(key)).toBe('first');
        await objects.delete(key);
        await write(key, 'third', { ifAbsent: true });
      });

      test('`ifMatch` replaces what it names and nothing else', async () => {
        const key = `${newPrefix()}a`;
        expect(await objects.put(key, bytes('x'), { ifMatch: 'none' })).toEqual({ kind: 'refused', etag: undefined });
        expect(await objects.get(key)).toBeUndefined();
        const first = await write(key, 'first');
        const second = await write(key, 'second', { ifMatch: first });
        expect(await objects.put(key, bytes('third'), { ifMatch: first })).toEqual({ kind: 'refused', etag: second });
        expect(await textOf(key)).toBe('second');
      });

      test('cannot be both', async () => {
        const options = { ifAbsent: true, ifMatch: 'x' };
        await expect(objects.put(`${newPrefix()}a`, bytes('x'), options)).rejects.toThrow(TypeError);
      });

      test.each(['ifAbsent', 'ifMatch'] as const)('%s lets exactly one of 12 through', async (kind) => {
        for (let round = 0; round < 5; round += 1) {
          const key = `${newPrefix()}deep/a`;
          const options = kind === 'ifAbsent' ? { ifAbsent: true } : { ifMatch: await write(key, 'base') };
          const results = await Promise.all(
            Array.from({ length: 12 }, (_, writer) => objects.put(key, bytes(`writer ${writer}`), options)),
          );
          const winners = results.flatMap((result, writer) => (result.kind === 'written' ? [writer] : []));
          expect(winners).toHaveLength(1);
          expect(await textOf(key)).toBe(`writer ${winners[0]}`);
          const etag = (await objects.head(key))?.etag;
          expect(results.every((result) => result.etag === etag)).toBe(true);
        }
      });

      test('makes a counter: 12 writers who retry lose no step', async () => {
        const key = `${newPrefix()}counter`;
        await write(key, '0');
        await Promise.all(
          Array.from({ length: 12 }, async () => {
            for (;;) {
              const found = await objects.get(key);
              const next = bytes(String(Number(Buffer.from(found?.body ?? []).toString()) + 1));
              if ((await objects.put(key, next, { ifMatch: found?.etag ?? '' })).kind === 'written') return;
            }
          }),
        );
        expect(await textOf(key)).toBe('12');
      });

      test('is no need to read whole objects beside a writer', async () => {
        const key = `${newPrefix()}busy`;
        const body = (digit: number) => String(digit).repeat(100_000);
        await write(key, body(0));
        const writing = (async () => {
          for (let digit = 1; digit < 10; digit += 1) await write(key, body(digit), { durable: false });
        })();
        for (let read = 0; read < 30; read += 1) {
          const text = (await textOf(key)) ?? '';
          expect(text).toBe(body(Number(text[0])));
        }
        await writing;
      });
    });

    describe('keys', () => {
      const foreign = [
        '',
        '/a',
        '../a',
        'a/../b',
        'a/..',
        './a',
        'a/./b',
        '.',
        '..',
        'a//b',
        'a/',
        '/',
        'a\0b',
        'a\\b',
      ];
      const broken = [...foreign, '\ud800', 'x'.repeat(201), `${'x'.repeat(199)}/`.repeat(6), `a/${'é'.repeat(101)}`];

      test.each(broken)('refuse %j before anything is touched', async (key) => {
        await expect(objects.get(key)).rejects.toThrow(TypeError);
        await expect(objects.head(key)).rejects.toThrow(TypeError);
        await expect(objects.put(key, bytes('x'))).rejects.toThrow(TypeError);
        await expect(objects.delete(key)).rejects.toThrow(TypeError);
      });

      test.each(['...', '.hidden', '..a', 'a..', 'ação 🙂', '%2e%2e', 'a b', '~', 'CON', 'x'.repeat(200)])(
        'may hold %j',
        async (segment) => {
          const key = `${newPrefix()}${segment}/${segment}`;
          await write(key, segment);
          expect(await textOf(key)).toBe(segment);
        },
      );

      test('may have 1,024 bytes', async () => {
        const prefix = newPrefix();
        const key = prefix + `${'x'.repeat(150)}/`.repeat(9).slice(0, 1024 - prefix.length - 1) + 'z';
        expect(key).toHaveLength(1024);
        await write(key, 'long');
        expect(await textOf(key)).toBe('long');
        expect(await listAll(key, 10)).toEqual([key]);
      });
    });

    describe('a listing', () => {
      const names = ['a', 'a!/x', 'a.txt', 'b/1', 'b/10', 'b/2', 'b/c/d', 'b0', 'bé', 'z/\ud7ff', 'z/\ufffd', 'z/🙂'];
      const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
      let prefix: string;

      beforeAll(async () => {
        prefix = newPrefix();
        await Promise.all(names.map((key) => write(prefix + key, key, { durable: false })));
      });

      test.each([1, 2, 5, 12, 100])('pages by %d in the order of bytes', async (limit) => {
        expect(await listAll(prefix, limit)).toEqual(names.toSorted(byBytes).map((key) => prefix + key));
      });

      test.each(['b', 'b/', 'b/1', 'b/c/', 'z/', 'none', '..'])('of %j has what starts with it', async (part) => {
        const expected = names.filter((key) => key.startsWith(part)).toSorted(byBytes);
        expect(await listAll(prefix + part, 3)).toEqual(expected.map((key) => prefix + key));
      });

      test('refuses a cursor of another, a limit that means nothing and a prefix that leaves', async () => {
        const { cursor = '' } = await objects.list({ prefix, limit: 2 });
        expect(cursor).not.toBe('');
        await expect(objects.list({ prefix: `${prefix}b`, limit: 2, cursor })).rejects.toThrow(TypeError);
        for (const text of ['', 'x', '🙂']) {
          await expect(objects.list({ prefix, limit: 2, cursor: text })).rejects.toThrow(TypeError);
        }
        for (const limit of [0, 1001, 1.5]) await expect(objects.list({ prefix, limit })).rejects.toThrow(TypeError);
        for (const bad of ['/', '../', '..//', 'a/../b', 'a//', '\0']) {
          await expect(objects.list({ prefix: bad, limit: 1 })).rejects.toThrow(TypeError);
        }
      });
    });

    test('leaves the old object or the new one, and none that was acknowledged is lost, when its writer is killed', async () => {
      if (stand.crash === undefined) return;
      const key = `${newPrefix()}crash`;
      for (let round = 0; round < crash_rounds; round += 1) {
        const acknowledged = await stand.crash(key);
        objects = stand.objects;
        const body = (await objects.get(key))?.body ?? new Uint8Array();
        const number = Number(Buffer.from(body.subarray(0, 15)).toString());
        expect(Buffer.compare(body, crashBody(number))).toBe(0);
        expect(number).toBeGreaterThanOrEqual(Number(acknowledged.at(-1)));
        expect(await listAll(key.slice(0, -'crash'.length), 10)).toEqual([key]);
      }
    }, 120_000);
  });
}
