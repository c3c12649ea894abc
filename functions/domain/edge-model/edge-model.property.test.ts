import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ChatMessage, ChatTool } from '../chat/chat-types.ts';
import type { JsonObject } from '../json.ts';
import { answerByRules, fixed_sentence, type EdgeRequest } from './edge-model.ts';
import { splitSentences } from './split-sentences.ts';

const parameters: JsonObject = {
  type: 'object',
  properties: { a: { type: 'integer' }, b: { type: 'string' } },
  required: ['a'],
};
const tools: ChatTool[] = ['soma', 'web__search'].map((name) => ({ type: 'function', function: { name, parameters } }));
const piece = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    'soma',
    'web.search',
    '(',
    ')',
    '{"a":',
    '}',
    '"',
    "'",
    ' with ',
    'a=',
    'b: ',
    ', ',
    ' and ',
    '. ',
    '?',
    '\n\n',
    'Summarise',
    ':',
    '12',
    '[',
  ),
);
const text = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));
const response_format = fc.constantFrom<JsonObject | undefined>(
  undefined,
  { type: 'json_object' },
  { type: 'json_schema', json_schema: { name: 's', schema: parameters } },
);
const requestOf = (content: string, format: JsonObject | undefined, messages: ChatMessage[] = []): EdgeRequest => ({
  messages: [{ role: 'user', content }, ...messages],
  tools,
  ...(format === undefined ? {} : { response_format: format }),
});

test('no text makes it throw, and the same request gives the same answer', () => {
  fc.assert(
    fc.property(text, text, response_format, (content, result, format) => {
      const turn: ChatMessage[] = [
        {
          role: 'assistant',
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'soma', arguments: result } }],
        },
        { role: 'tool', tool_call_id: 'c', content: result },
      ];
      for (const request of [requestOf(content, format), requestOf(content, format, turn)]) {
        const answer = answerByRules(request);
        expect(JSON.stringify(answerByRules(request))).toBe(JSON.stringify(answer));
        if (answer.kind !== 'answer') continue;
        for (const call of answer.calls) expect(JSON.parse(call.arguments)).toHaveProperty('a');
        if (format !== undefined && answer.calls.length === 0)
          expect(() => JSON.parse(answer.text) as unknown).not.toThrow();
      }
    }),
  );
});

test('arguments come back as they were written', () => {
  const value = fc.oneof(
    fc.integer(),
    fc.boolean(),
    fc.string({ maxLength: 20 }),
    fc.array(fc.integer(), { maxLength: 3 }),
  );
  const open: ChatTool = { type: 'function', function: { name: 'soma', parameters: { type: 'object' } } };
  fc.assert(
    fc.property(
      fc.dictionary(fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/), value, { minKeys: 1, maxKeys: 4 }),
      (args) => {
        const pairs = Object.entries(args).map(([name, given]) => `${name}=${JSON.stringify(given)}`);
        const forms = [
          `soma(${pairs.join(', ')})`,
          `soma ${JSON.stringify(args)}`,
          `soma with ${pairs.join(' and ')}`,
          `soma com ${pairs.join(' e ')}`,
        ];
        for (const form of forms) {
          const answer = answerByRules({ messages: [{ role: 'user', content: `Please call ${form}` }], tools: [open] });
          expect(answer.kind === 'answer' && answer.calls.map((call) => JSON.parse(call.arguments) as unknown)).toEqual(
            [args],
          );
        }
      },
    ),
  );
});

test('a summary is made of sentences of the text', () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[A-Z][a-z]{2,9}( [a-z]{3,9}){1,6}[.!]$/), { minLength: 1, maxLength: 12 }),
      (sentences) => {
        fc.pre(sentences.every((sentence) => !/summar|resum/i.test(sentence)));
        const answer = answerByRules({
          messages: [{ role: 'user', content: `Summarise:\n\n${sentences.join(' ')}` }],
          tools: [],
        });
        const body = answer.kind === 'answer' ? answer.text : '';
        if (body === fixed_sentence) return;
        const picked = splitSentences(body).map((sentence) => sentence.text);
        expect(picked.length).toBeLessThanOrEqual(3);
        for (const sentence of picked) expect(sentences).toContain(sentence);
      },
    ),
  );
});

/** A quadratic step would take hours on some of these, and the runner's limit would end the test. */
test.each([
  'soma {',
  'soma (',
  'soma with a="',
  'soma(a=1,',
  'a',
  '. ',
  '.',
  '\n',
  'a:',
  'soma ',
  'resum ',
  '"',
  "'",
  'é',
  '{',
  'x'.repeat(70),
  'Summarise: ',
  '- ',
  '? ',
])('a mebibyte of %j is answered in linear time', (unit) => {
  const content = unit.repeat(Math.ceil(2 ** 20 / unit.length));
  expect(answerByRules(requestOf(content, undefined)).kind).toBe('answer');
  expect(answerByRules(requestOf(content, { type: 'json_object' })).kind).toBe('answer');
});
