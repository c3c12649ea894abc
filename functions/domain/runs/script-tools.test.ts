import { expect, test } from '@jest/globals';
import { toolCallEvent, toolFailure } from './script-tools.ts';

test('the event of a call has short arguments whole and of long ones the start', () => {
  expect(toolCallEvent('c', 'f', { a: 1 })).toEqual({
    event: 'tool_call',
    data: { call_id: 'c', name: 'f', args: { a: 1 } },
  });
  const { args } = toolCallEvent('c', 'f', { x: 'y'.repeat(500_000) }).data;
  expect(args).toMatch(/^\{"x":"y{60000,66000}… \(cut\)$/);
});

test.each([
  ['ToolTimeout', 'timeout', 'm'],
  ['InvalidArguments', 'invalid_arguments', 'm'],
  ['LimitExceeded', 'limit_exceeded', 'm'],
  ['ValueError', 'execution_error', 'ValueError: m'],
])('a %s of the guest is told as %s', (type, told, message) => {
  expect(toolFailure({ type, message: 'm' })).toEqual({ type: told, message });
});
