import { describe, expect, test } from '@jest/globals';
import type { ChatMessage, ChatTool } from '../chat/chat-types.ts';
import type { JsonObject } from '../json.ts';
import { findToolCalls, type EdgeToolChoice } from './find-tool-calls.ts';

const tool = (name: string, parameters: JsonObject = { type: 'object' }): ChatTool => ({
  type: 'function',
  function: { name, parameters },
});
const integers: JsonObject = {
  type: 'object',
  properties: { a: { type: 'integer' }, b: { type: 'integer' } },
  required: ['a', 'b'],
  additionalProperties: false,
};
const find = (
  text: string,
  more: { tools?: ChatTool[]; tool_choice?: EdgeToolChoice; parallel?: boolean; since?: ChatMessage[] } = {},
) => findToolCalls({ text, tools: [tool('soma')], tool_choice: 'auto', parallel: true, since: [], ...more });
const argumentsOf = (text: string, parameters?: JsonObject): unknown[] =>
  find(text, { tools: [tool('soma', parameters)] }).calls.map((call) => JSON.parse(call.arguments) as unknown);

describe('the forms of a call', () => {
  test.each([
    'soma(a=12, b=30)',
    'soma (a = 12; b = 30)',
    'soma(a: 12, b: 30)',
    'soma {"a":12,"b":30}',
    'soma({"a": 12, "b": 30})',
    'soma with a=12 and b=30',
    'soma with the arguments a=12, b=30.',
    'soma com a=12 e b=30',
    'Depois chame a tool soma com a=12 e b=30!',
    'Use the `soma` tool with a=12 and b=30',
    'call "soma" using a=12,b=30',
    'a ferramenta soma usando os argumentos: a=12 e b=30',
  ])('%s', (text) => {
    expect(argumentsOf(text)).toEqual([{ a: 12, b: 30 }]);
    expect(argumentsOf(`${text}\nThanks.`, integers)).toEqual([{ a: 12, b: 30 }]);
  });

  test.each([
    ['soma(x="a, (b)", y=\'c d\', z=word)', { x: 'a, (b)', y: 'c d', z: 'word' }],
    ['soma(x=[1, {"y": "]"}], t=true, n=null, f=-1.5e3)', { x: [1, { y: ']' }], t: true, n: null, f: -1500 }],
    ['soma with zip=01234 and v=1.2.3', { zip: '01234', v: '1.2.3' }],
    ['soma(ação="é")', { ação: 'é' }],
    ['soma()', {}],
    ['soma(__proto__=1)', JSON.parse('{"__proto__":1}')],
  ])('values: %s', (text, args) => {
    expect(argumentsOf(text)).toEqual([args]);
  });

  test.each([
    'soma',
    'What does soma do?',
    'somar(a=1)',
    'my_soma(a=1)',
    'soma-total(a=1)',
    'soma.total(a=1)',
    'soma with love',
    'soma {"a":',
    'soma(a=1',
    'soma (see below)',
    'soma(a="x)',
  ])('no call: %s', (text) => {
    expect(find(text)).toMatchObject({ calls: [], refusals: [] });
  });
});

test('the last mention with arguments wins: what is quoted above is not the request', () => {
  expect(argumentsOf('The page says: soma(a=1, b=2).\n\nNow call soma with a=3 and b=4. soma is useful.')).toEqual([
    { a: 3, b: 4 },
  ]);
});

test('values are coerced to the schema, and what cannot be stays as it was written', () => {
  const schema: JsonObject = {
    type: 'object',
    properties: {
      i: { type: 'integer' },
      s: { type: 'string' },
      b: { type: 'boolean' },
      e: { enum: ['Red', 'Blue'] },
      l: { type: 'array', items: { type: 'integer' } },
      o: { anyOf: [{ type: 'number' }, { type: 'null' }] },
      r: { $ref: '#/$defs/text' },
      w: { type: 'integer' },
    },
    $defs: { text: { type: 'string' } },
  };
  expect(argumentsOf('soma(i="12", s=12, b=sim, e=red, l=7, o="1.5", r=true, w=many)', schema)).toEqual([
    { i: 12, s: '12', b: true, e: 'Red', l: [7], o: 1.5, r: 'true', w: 'many' },
  ]);
});

test('an open schema takes all pairs, a closed one those it knows', () => {
  expect(argumentsOf('soma(a=1, b=2, c=3)')).toEqual([{ a: 1, b: 2, c: 3 }]);
  expect(argumentsOf('soma(a=1, b=2, c=3)', integers)).toEqual([{ a: 1, b: 2 }]);
});

test('without what is required there is no call, and the answer names it; forced, there is', () => {
  const tools = [tool('soma', integers)];
  expect(find('soma(a=1)', { tools })).toMatchObject({ calls: [], refusals: ['soma was not called: it needs `b`'] });
  expect(find('soma(a=1)', { tools, tool_choice: { name: 'soma' } }).calls).toEqual([
    { name: 'soma', arguments: '{"a":1}' },
  ]);
  expect(find('b: 2', { tools, tool_choice: 'required' }).calls).toEqual([{ name: 'soma', arguments: '{"b":2}' }]);
  expect(find('soma(a=1, b=2)', { tools, tool_choice: 'none' }).calls).toEqual([]);
  expect(find('x', { tools, tool_choice: { name: 'other' } }).calls).toEqual([]);
});

test('several tools are called in the order of the text, one a turn where only one may be', () => {
  const tools = [tool('b'), tool('a__x')];
  const text = 'a.x(n=1) then b(n=2)';
  expect(find(text, { tools }).calls.map(({ name }) => name)).toEqual(['a__x', 'b']);
  expect(find(text, { tools, parallel: false }).calls.map(({ name }) => name)).toEqual(['a__x']);
});

test('a call with a result is not repeated; another call of the same tool is made', () => {
  const since: ChatMessage[] = [
    {
      role: 'assistant',
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'soma', arguments: '{ "a": 1 }' } }],
    },
    { role: 'tool', tool_call_id: 'c', content: '1' },
  ];
  expect(find('soma(a=1)', { since }).calls).toEqual([]);
  expect(find('soma(a=2)', { since }).calls).toHaveLength(1);
  expect(find('soma(a=2)', { since, tool_choice: { name: 'soma' } }).calls).toEqual([]);
  expect(find('soma(a=1)', { since: since.slice(0, 1) }).calls).toHaveLength(1);
});
