import { SignetError, type ErrorCode } from '../errors.ts';
import { compileSchema } from '../tools/compile-schema.ts';
import type { ChatLimits } from './chat-limits.ts';
import type { ChatMessage, ChatRequest, ChatTool } from './chat-types.ts';
import { jsonForm } from './json-form.ts';
import { messageText } from './message-text.ts';

/**
 * What the schema of the body cannot say: limits, and fields that must agree with each other.
 * @throws {SignetError} 400 or 413 with the field at fault
 */
export function checkRequest(request: ChatRequest, limits: ChatLimits): void {
  checkMessages(request.messages, limits);
  checkTools(request.tools ?? [], limits);
  checkToolChoice(request);
  checkNumbers(request, limits);
  checkForm(request);
  if (request.stream_options !== undefined && request.stream !== true) {
    refuse('stream_options', 'expected `stream: true` beside `stream_options`');
  }
}

function checkMessages(messages: readonly ChatMessage[], limits: ChatLimits): void {
  if (messages.length === 0) refuse('messages', 'expected at least one message');
  if (messages.length > limits.chat.messages_max) {
    refuse('messages', `expected at most ${limits.chat.messages_max} messages, got ${messages.length}`);
  }
  let bytes = 0;
  let unanswered = new Set<string>();
  messages.forEach((message, index) => {
    bytes += Buffer.byteLength(messageText(message));
    if (message.role === 'tool') {
      if (!unanswered.delete(message.tool_call_id)) {
        refuse(
          `messages[${index}].tool_call_id`,
          'expected the id of a call that the assistant message before it makes',
        );
      }
      return;
    }
    if (unanswered.size > 0) refuse(`messages[${index}]`, 'expected a `tool` message for each tool call before it');
    if (message.role !== 'assistant') return;
    unanswered = new Set((message.tool_calls ?? []).map((call) => call.id));
    if (unanswered.size !== (message.tool_calls ?? []).length) {
      refuse(`messages[${index}].tool_calls`, 'expected ids that differ');
    }
  });
  if (unanswered.size > 0)
    refuse('messages', 'expected a `tool` message for each tool call of the last assistant message');
  if (bytes > limits.chat_text_bytes_max) {
    refuse('messages', `expected at most ${limits.chat_text_bytes_max} bytes of text, got ${bytes}`, 'too_large');
  }
}

/** The names that models take: OpenAI's rule. */
const toolName = /^[A-Za-z0-9_-]{1,64}$/;

function checkTools(tools: readonly ChatTool[], { chat }: ChatLimits): void {
  if (tools.length > chat.tools_max) refuse('tools', `expected at most ${chat.tools_max} tools, got ${tools.length}`);
  const names = new Set<string>();
  let total = 0;
  tools.forEach(({ function: tool }, index) => {
    const param = `tools[${index}].function`;
    if (!toolName.test(tool.name)) refuse(`${param}.name`, 'expected 1 to 64 of `A-Z a-z 0-9 _ -`');
    if (names.has(tool.name)) refuse(`${param}.name`, `expected names that differ, got \`${tool.name}\` twice`);
    names.add(tool.name);
    const bytes = tool.parameters === undefined ? 0 : Buffer.byteLength(JSON.stringify(tool.parameters));
    if (bytes > chat.tool_schema_bytes_max) {
      refuse(`${param}.parameters`, `expected a schema of at most ${chat.tool_schema_bytes_max} bytes, got ${bytes}`);
    }
    total += bytes;
  });
  if (total > chat.tool_schemas_bytes_max) {
    refuse('tools', `expected schemas of at most ${chat.tool_schemas_bytes_max} bytes in all, got ${total}`);
  }
}

function checkToolChoice({ tools = [], tool_choice, signet }: ChatRequest): void {
  const hasTools = tools.length > 0 || (signet?.tools !== undefined && signet.tools.length > 0);
  if (tool_choice === 'required' && !hasTools) refuse('tool_choice', 'expected tools to choose from');
  if (typeof tool_choice === 'object' && !hasTools) refuse('tool_choice', 'expected the tool among `tools`');
}

function checkNumbers(request: ChatRequest, { chat }: ChatLimits): void {
  const { n, temperature, top_p, seed, max_tokens, max_completion_tokens, stop, signet } = request;
  const stops = typeof stop === 'string' ? [stop] : (stop ?? []);
  inRange('n', n, 1, chat.n_max, true);
  inRange('temperature', temperature, 0, 2, false);
  inRange('top_p', top_p, 0, 1, false);
  inRange('seed', seed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, true);
  inRange('max_tokens', max_tokens, 1, tokens_max, true);
  inRange('max_completion_tokens', max_completion_tokens, 1, tokens_max, true);
  inRange('signet.max_steps', signet?.max_steps, 1, chat.steps_max, true);
  if (max_tokens !== undefined && max_completion_tokens !== undefined && max_tokens !== max_completion_tokens) {
    refuse('max_tokens', 'expected one of `max_tokens` and `max_completion_tokens`, or the same in both');
  }
  if (stops.length > chat.stop_max) refuse('stop', `expected at most ${chat.stop_max} sequences, got ${stops.length}`);
  if (stops.includes('')) refuse('stop', 'expected no empty sequence');
  if (n !== undefined && n > 1 && signet?.tools !== undefined && signet.tools.length > 0) {
    refuse('n', 'expected one choice where server tools run', 'unsupported_parameter');
  }
}

const tokens_max = 1_000_000;

function inRange(param: string, value: number | undefined, least: number, most: number, isWhole: boolean): void {
  if (value === undefined) return;
  if (value < least || value > most || !Number.isFinite(value) || (isWhole && !Number.isInteger(value))) {
    refuse(param, `expected ${isWhole ? 'an integer' : 'a number'} from ${least} to ${most}, got ${value}`);
  }
}

function checkForm({ response_format }: ChatRequest): void {
  const form = jsonForm(response_format);
  if (form.kind === 'unknown') refuse('response_format', form.detail);
  if (form.kind !== 'schema') return;
  const compiled = compileSchema(form.schema);
  if (compiled.kind === 'refused') refuse('response_format.json_schema.schema', compiled.reason);
}

function refuse(param: string, detail: string, code: ErrorCode = 'invalid_request'): never {
  throw new SignetError({ code, detail, param });
}
