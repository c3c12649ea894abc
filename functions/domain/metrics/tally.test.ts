import { describe, expect, test } from '@jest/globals';
import { countsType, decisionType, gateVerdictType } from '../receipts/statement-types.ts';
import { addToTally, countsOfKind, requestsOf, sumOf, type Tally } from './tally.ts';

function entryOf(predicateType: string, predicate: object): string {
  const payload = Buffer.from(JSON.stringify({ predicateType, predicate })).toString('base64');
  return JSON.stringify({ payload, payloadType: 'application/vnd.in-toto+json', signatures: [] });
}

const decision = (fields: object): string =>
  entryOf(decisionType, { action: 'chat', code: 'ok', effect: 'allow', parents: [], facts: {}, ...fields });

const tallyOf = (...entries: string[]): Tally => entries.reduce((tally: Tally, entry) => addToTally(tally, entry), {});

describe('a tally', () => {
  test('counts decisions by action and code, and the tokens of the provider that answered', () => {
    const answered = { usage: { in: 7, out: 2 }, route: { chosen: 'groq/llama/3' } };
    expect(tallyOf(decision(answered), decision(answered), decision({ action: 'embed', usage: { in: 9 } }))).toEqual({
      'requests|chat|ok': 2,
      'requests|embed|ok': 1,
      'tokens|groq|in': 14,
      'tokens|groq|out': 4,
    });
  });

  test('counts a stream once: its outcome, not its decision', () => {
    const facts = { stream: true };
    expect(tallyOf(decision({ facts }), decision({ facts, parents: ['d'], finish: 'stop' }))).toEqual({
      'requests|chat|ok': 1,
    });
    expect(tallyOf(decision({ facts, code: 'policy_denied', effect: 'deny' }))).toEqual({
      'requests|chat|policy_denied': 1,
      'refusals|policy_denied': 1,
    });
  });

  test('counts what was turned away as it was counted, and the gates of a verdict', () => {
    expect(
      tallyOf(
        entryOf(countsType, { counts: { unauthenticated: 3, malformed: 1 } }),
        entryOf(gateVerdictType, {
          chain: [
            { g: 'G2', state: 'pass' },
            { g: 'G3', state: 'fail' },
          ],
        }),
        entryOf(gateVerdictType, { chain: [{ g: 'G2', state: 'pass' }] }),
      ),
    ).toEqual({
      'requests|none|unauthenticated': 3,
      'requests|none|malformed': 1,
      'gates|G2|pass': 2,
      'gates|G3|fail': 1,
    });
  });

  test('counts the gates inside of decisions, those of a stream in both of its', () => {
    const facts = { stream: true };
    const passed = { in: { chain: [{ g: 'G8', state: 'pass' }] }, out: { chain: [{ g: 'G8', state: 'fail' }] } };
    expect(tallyOf(decision({ verdict: passed }))).toEqual({
      'requests|chat|ok': 1,
      'gates|G8|pass': 1,
      'gates|G8|fail': 1,
    });
    const opened = decision({ facts, verdict: { in: passed.in } });
    const ended = decision({ facts, parents: ['d'], verdict: { out: passed.out } });
    expect(tallyOf(opened)).toEqual({ 'gates|G8|pass': 1 });
    expect(tallyOf(opened, ended)).toEqual({ 'requests|chat|ok': 1, 'gates|G8|pass': 1, 'gates|G8|fail': 1 });
    expect(tallyOf(decision({ verdict: { in: 1, out: { chain: 2 } } }))).toEqual({ 'requests|chat|ok': 1 });
  });

  test.each([
    ['no JSON', 'x'],
    ['no envelope', '[1]'],
    ['no payload', '{"payload":1}'],
    ['a payload that is none', '{"payload":"AAAA"}'],
    ['another kind', entryOf('urn:signet:run:v1', { run: 'r' })],
    ['a decision without its fields', entryOf(decisionType, { action: 1 })],
    ['counts that are none', entryOf(countsType, { counts: { malformed: -1, other: 'x' } })],
    ['a verdict without gates', entryOf(gateVerdictType, { chain: [1, { g: 2 }] })],
  ])('is not changed by %s', (_, entry) => {
    expect(addToTally({ 'requests|chat|ok': 1 }, entry)).toEqual({ 'requests|chat|ok': 1 });
  });

  test('takes bytes as well, and adds up', () => {
    const one = addToTally({}, new TextEncoder().encode(decision({})));
    const both = sumOf(one, tallyOf(decision({}), decision({ action: 'embed' })));
    expect(both).toEqual({ 'requests|chat|ok': 2, 'requests|embed|ok': 1 });
    expect(requestsOf(both)).toBe(3);
    expect(countsOfKind(both, 'requests')).toEqual([
      { labels: ['chat', 'ok'], count: 2 },
      { labels: ['embed', 'ok'], count: 1 },
    ]);
  });

  test('stays small: beyond 1,500 names the rest is one', () => {
    const full = Object.fromEntries(Array.from({ length: 1_500 }, (_, n) => [`requests|a${n}|ok`, 1]));
    const more = addToTally(full, decision({ action: 'new' }));
    expect(more).toMatchObject({ 'requests|other|other': 1 });
    expect(addToTally(more, decision({ action: 'newer' }))).toMatchObject({ 'requests|other|other': 2 });
  });
});
