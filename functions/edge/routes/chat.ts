import { z } from '@hono/zod-openapi';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { ChatRequest } from '../../domain/chat/chat-types.ts';
import { SignetError } from '../../domain/errors.ts';
import type { Json } from '../../domain/json.ts';
import { jsonAnswer } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';
import { chatPieces } from '../event-stream.ts';
import { anyJson, jsonObject, objectOrNull, tier, toolName, unsupported } from '../schema-parts.ts';
import { reportStream } from '../stream-failure.ts';

const part = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: z.string() }),
  z.strictObject({
    type: z.literal('image_url'),
    image_url: z.strictObject({ url: z.string().min(1), detail: z.string().max(16).optional() }),
  }),
  z.strictObject({ type: z.literal('refusal'), refusal: z.string() }),
]);

const content = z.union([z.string(), z.array(part).min(1)]);
const name = z.string().min(1).max(64).optional();

const toolCall = z.strictObject({
  id: z.string().min(1).max(256),
  type: z.literal('function'),
  function: z.strictObject({ name: z.string().min(1).max(64), arguments: z.string() }),
});

const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('system'), content, name }),
  z.strictObject({ role: z.literal('developer'), content, name }),
  z.strictObject({ role: z.literal('user'), content, name }),
  z.strictObject({
    role: z.literal('assistant'),
    content: content.nullable().optional(),
    refusal: z.string().nullable().optional(),
    name,
    tool_calls: z.array(toolCall).min(1).max(limits.chat.tools_max).optional(),
    // Stock clients send back what they were given: these came from an answer, and say nothing here.
    annotations: z.array(anyJson).max(0).optional(),
    audio: z.null().optional(),
    function_call: z.null().optional(),
  }),
  z.strictObject({ role: z.literal('tool'), content, tool_call_id: z.string().min(1).max(256) }),
]);

const tool = z.strictObject({
  type: z.literal('function'),
  function: z.strictObject({
    name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected 1 to 64 characters `A-Z a-z 0-9 _ -`'),
    description: z.string().optional(),
    parameters: jsonObject.optional(),
    strict: z.boolean().nullable().optional(),
  }),
});

const toolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z.strictObject({ type: z.literal('function'), function: z.strictObject({ name: z.string().min(1).max(64) }) }),
]);

/** Passed through or accepted without effect: what the providers of this protocol take. */
const extra = {
  user: z.string().max(256).optional(),
  metadata: objectOrNull.optional(),
  store: z.boolean().nullable().optional(),
  service_tier: z.string().max(64).nullable().optional(),
  logprobs: z.boolean().nullable().optional(),
  top_logprobs: z.number().int().min(0).max(20).nullable().optional(),
  presence_penalty: z.number().min(-2).max(2).nullable().optional(),
  frequency_penalty: z.number().min(-2).max(2).nullable().optional(),
  logit_bias: objectOrNull.optional(),
  reasoning_effort: z.string().max(32).nullable().optional(),
  verbosity: z.string().max(32).nullable().optional(),
  safety_identifier: z.string().max(256).optional(),
  prompt_cache_key: z.string().max(256).optional(),
  prompt_cache_retention: z.string().max(32).nullable().optional(),
};

const chatBody = z.strictObject({
  model: z.string().min(1).max(256),
  messages: z.array(message).min(1).max(limits.chat.messages_max),
  tools: z.array(tool).max(limits.chat.tools_max).optional(),
  tool_choice: toolChoice.optional(),
  parallel_tool_calls: z.boolean().optional(),
  response_format: jsonObject.optional(),
  max_tokens: z.number().int().min(1).nullable().optional(),
  max_completion_tokens: z.number().int().min(1).nullable().optional(),
  temperature: z.number().min(0).max(2).nullable().optional(),
  top_p: z.number().min(0).max(1).nullable().optional(),
  n: z.number().int().min(1).max(limits.chat.n_max).nullable().optional(),
  stop: z
    .union([z.string(), z.array(z.string()).max(limits.chat.stop_max)])
    .nullable()
    .optional(),
  seed: z.number().int().nullable().optional(),
  stream: z.boolean().nullable().optional(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().optional(), include_obfuscation: z.boolean().optional() })
    .nullable()
    .optional(),
  signet: z
    .strictObject({
      tier: tier.optional(),
      tools: z.union([z.array(toolName).max(limits.chat.tools_max), z.literal('auto')]).optional(),
      max_steps: z.number().int().min(1).max(limits.chat.steps_max).optional(),
      label: unsupported('labels are not built yet'),
      conversation: unsupported('conversations are not built yet'),
      memory: unsupported('memories are not built yet'),
      approval: unsupported('approvals are not built yet'),
      cache: unsupported('the cache is not built yet', false),
      dry_run: unsupported('dry runs are not built yet', false),
    })
    .optional(),
  ...extra,
  functions: unsupported('deprecated; use `tools`'),
  function_call: unsupported('deprecated; use `tool_choice`'),
  modalities: unsupported('only text is answered', ['text'], null),
  audio: unsupported('only text is answered', null),
  prediction: unsupported('predicted outputs are not taken', null),
  web_search_options: unsupported('use a server tool', null),
});

export const chatEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/v1/chat/completions',
    summary: 'Answers a chat, whole or as a stream; the OpenAI protocol',
    access: 'chat',
    decides: { action: 'chat', resource: 'Model' },
    idempotent: 'stored',
    body: { class: 'chat', schema: chatBody },
    answers: {
      200: {
        description: 'a completion, or with `stream` server-sent events of chunks',
        schema: jsonObject,
        streamed: true,
      },
    },
    handle: async ({ services, call, body }) => {
      const request = chatRequest(body);
      checkText(request);
      if (request.stream === true) {
        const streamed = await services.chat.stream(call, request);
        return {
          kind: 'stream',
          status: 200,
          headers: { 'signet-receipt': streamed.receipt, 'signet-route': streamed.route },
          events: chatPieces(streamed.events, reportStream(services, call)),
        };
      }
      const completed = await services.chat.complete(call, request);
      return jsonAnswer(completed.value, {
        'signet-receipt': completed.receipt,
        'signet-route': completed.route,
        ...(completed.stop === undefined ? {} : { 'signet-stop': completed.stop }),
      });
    },
  }),
];

const ignored = new Set(['functions', 'function_call', 'modalities', 'audio', 'prediction', 'web_search_options']);

/**
 * The wire's body as the domain's request: `null` means *not given* in this protocol, fields that are passed through
 * go together, and those that came with the only value we take say nothing.
 */
function chatRequest(body: Readonly<Record<string, Json>>): ChatRequest {
  const request: Record<string, Json> = {};
  const through: Record<string, Json> = {};
  for (const [field, value] of Object.entries(body)) {
    if (value === null || ignored.has(field)) continue;
    if (field in extra) through[field] = value;
    else request[field] = value;
  }
  // The schema has checked every field of it.
  return { ...request, extra: through } as unknown as ChatRequest;
}

/** Text is bounded apart from images, which the body's own cap bounds. */
function checkText({ messages }: ChatRequest): void {
  let bytes = 0;
  for (const { content: said } of messages) {
    if (typeof said === 'string') bytes += Buffer.byteLength(said);
    else for (const one of said ?? []) if (one.type === 'text') bytes += Buffer.byteLength(one.text);
  }
  if (bytes > limits.chat_text_bytes_max) {
    throw new SignetError({
      code: 'too_large',
      detail: `expected at most ${limits.chat_text_bytes_max} bytes of text in all messages, got ${bytes}`,
      param: 'messages',
    });
  }
}
