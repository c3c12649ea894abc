import { describe, expect, test } from '@jest/globals';
import type { ChatMessage, ChatTool } from '../chat/chat-types.ts';
import type { JsonObject } from '../json.ts';
import { countTokens } from './count-tokens.ts';
import { answerByRules, fixed_sentence, type EdgeRequest } from './edge-model.ts';

const soma: ChatTool = { type: 'function', function: { name: 'soma', parameters: { type: 'object' } } };
const answer = (content: string, more: Partial<EdgeRequest> = {}) => {
  const given = answerByRules({ messages: [{ role: 'user', content }], tools: [], ...more });
  if (given.kind !== 'answer') throw new Error(given.detail);
  return given;
};
const withResult = (content: string, result: string): ChatMessage[] => [
  { role: 'user', content },
  {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'c', type: 'function', function: { name: 'soma', arguments: '{"a":12,"b":30}' } }],
  },
  { role: 'tool', tool_call_id: 'c', content: result },
];

describe('the example of the scripts', () => {
  const text =
    'Rust has no garbage collector. Python has a garbage collector. Cats sleep. The garbage collector of Python costs time.';
  test.each([
    ['Summarise the text:\n\n', '\n\nThen call the tool soma with a=12 and b=30'],
    ['Resuma o texto:\n\n', '\n\nDepois chame a tool soma com a=12 e b=30'],
  ])('%j', (before, after) => {
    for (const given of ['', text]) {
      const prompt = `${before}${given}${after}`;
      expect(answer(prompt, { tools: [soma] })).toMatchObject({
        text: '',
        calls: [{ name: 'soma', arguments: '{"a":12,"b":30}' }],
        finish_reason: 'tool_calls',
      });
      const end = answer(prompt, { tools: [soma], messages: withResult(prompt, '42') });
      expect(end).toMatchObject({ calls: [], finish_reason: 'stop' });
      const [body, last] = end.text.split('\n');
      expect(last).toBe('soma = 42');
      expect(body).toBe(given === '' ? fixed_sentence : text.replace(' Cats sleep.', ''));
    }
  });
});

describe('results', () => {
  test.each([
    ['42', 'soma = 42'],
    ['"two\\nlines"', 'soma = two lines'],
    ['{ "a": [1] }', 'soma = {"a":[1]}'],
    ['plain\ntext', 'soma = plain text'],
    ['{"error":{"type":"timeout","message":"late"}}', 'soma = {"error":{"type":"timeout","message":"late"}}'],
  ])('%s', (content, line) => {
    const end = answer('', { tools: [soma], messages: withResult('soma(a=12, b=30)', content) });
    expect(end.text).toBe(`${fixed_sentence}\n${line}`);
  });

  test('belong to the last message of the user only', () => {
    const messages: ChatMessage[] = [...withResult('soma(a=12, b=30)', '42'), { role: 'user', content: 'Thanks' }];
    expect(answer('', { tools: [soma], messages }).text).toBe(fixed_sentence);
  });
});

describe('JSON', () => {
  const form = (schema: JsonObject): JsonObject => ({ type: 'json_schema', json_schema: { name: 's', schema } });
  const fill = (text: string, schema: JsonObject): unknown =>
    JSON.parse(answer(text, { response_format: form(schema) }).text);

  test('is filled from pairs, at any depth', () => {
    const schema: JsonObject = {
      type: 'object',
      properties: {
        name: { type: 'string' },
        age: { type: 'integer' },
        address: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
        note: { type: 'string' },
      },
      required: ['name', 'age', 'address'],
      additionalProperties: false,
    };
    expect(fill('name: Ada Lovelace, age: 36\ncity = London.', schema)).toEqual({
      name: 'Ada Lovelace',
      age: 36,
      address: { city: 'London' },
    });
  });

  test.each<[JsonObject, unknown]>([
    [
      { type: 'object', properties: { a: { type: 'string', minLength: 2 } }, required: ['a', 'b'] },
      { a: 'xx', b: null },
    ],
    [{ type: 'array', items: { type: 'number', exclusiveMinimum: 2 }, minItems: 2 }, [3, 3]],
    [{ enum: ['x', 'y'] }, 'x'],
    [{ const: { a: 1 } }, { a: 1 }],
    [{ anyOf: [{ type: 'integer', minimum: 5, multipleOf: 3 }, { type: 'null' }] }, 6],
    [{ allOf: [{ type: 'object', required: ['a'] }, { properties: { a: { type: 'boolean' } } }] }, { a: false }],
    [{ $ref: '#/$defs/x', $defs: { x: { type: 'integer', maximum: -2 } } }, -2],
  ])('without pairs it is the smallest instance of %j', (schema, instance) => {
    expect(fill('nothing', schema)).toEqual(instance);
  });

  test('a pair that does not fit is left out', () => {
    expect(fill('age: old', { type: 'object', properties: { age: { type: 'integer' } } })).toEqual({});
  });

  test('what rules cannot fill is impossible', () => {
    for (const schema of [{ type: 'string', pattern: '^a{3}$' }, { not: {} }, { type: 'int' }]) {
      expect(answerByRules({ messages: [], tools: [], response_format: form(schema) }).kind).toBe('impossible');
    }
  });

  test('without a schema all pairs make the object, results among them', () => {
    const response_format = { type: 'json_object' };
    expect(JSON.parse(answer('a: 1, b: "x, y"', { response_format }).text)).toEqual({ a: 1, b: 'x, y' });
    expect(answer('nothing', { response_format }).text).toBe('{}');
    const messages = withResult('soma(a=12, b=30)', '42');
    expect(JSON.parse(answer('', { response_format, messages, tools: [soma] }).text)).toMatchObject({ soma: 42 });
  });
});

describe('summary and question', () => {
  test('sentences are verbatim, at most three, in the order of the text', () => {
    const text =
      'Bees make honey. Honey is sweet. Bees like flowers. Stones are hard! Flowers need bees, and bees need flowers.';
    expect(answer(`Please summarize: ${text}`).text).toBe(
      'Bees make honey. Bees like flowers. Flowers need bees, and bees need flowers.',
    );
  });

  test('a question gets the sentences that share its words', () => {
    const text = 'Lisbon is the capital of Portugal. Porto lies on the Douro. The Douro flows into the Atlantic.';
    expect(answer(`${text} What is the capital of Portugal?`).text).toBe('Lisbon is the capital of Portugal.');
    expect(answer(`Which city lies on the Douro?\n\n${text}`).text).toBe(
      'Porto lies on the Douro. The Douro flows into the Atlantic.',
    );
  });

  test('search results are quoted without their addresses, each title over its sentence', () => {
    const found = (n: number) => `Bees ${n}\nBees make honey ${n}.\nsignet:///bees.md#bees-${n}`;
    expect(answer(`Summarise the text:\n\n${found(1)}\n\n${found(2)}`).text).toBe(
      'Bees 1\nBees make honey 1.\nBees 2\nBees make honey 2.',
    );
  });

  test('where nothing is found it says what it is', () => {
    for (const text of ['', 'Hello', 'Summarise', 'Why?', 'A b. C d. Why is the sky blue?'])
      expect(answer(text).text).toBe(fixed_sentence);
  });

  test('a tool that lacks an argument is named under the answer', () => {
    const tools: ChatTool[] = [
      { type: 'function', function: { name: 'soma', parameters: { type: 'object', required: ['b'] } } },
    ];
    expect(answer('soma(a=1)', { tools }).text).toBe(`${fixed_sentence}\nsoma was not called: it needs \`b\``);
  });
});

describe('limits of the answer', () => {
  test('max_tokens cuts between characters and says so', () => {
    expect(answer('Ééééé! Ééééé?', { max_tokens: 1 })).toMatchObject({
      text: 'Éé',
      finish_reason: 'length',
      usage: { out: 1 },
    });
  });

  test('a stop sequence ends it', () => {
    expect(answer('hi', { stop: ['rules', 'zzz'] })).toMatchObject({
      text: 'I am signet-edge-1, a set of fixed ',
      finish_reason: 'stop',
    });
  });

  test('a token is four bytes, rounded up', () => {
    expect(['', 'a', 'abcd', 'abcde', 'éé'].map(countTokens)).toEqual([0, 1, 1, 2, 1]);
  });
});
