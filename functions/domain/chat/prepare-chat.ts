import type { Call, NewId, Now, RandomBytes } from '../call.ts';
import type { Judge, Judgement } from '../decisions/judge.ts';
import { SignetError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Screens } from '../gates/screening.ts';
import type { ChatProvider, ModelInfo, ProviderRequest } from '../ports/provider.ts';
import type { RouteFacts } from '../routing/route.ts';
import type { Tools } from '../tools/tools.ts';
import type { ChatLimits } from './chat-limits.ts';
import type { ChatMessage, ChatRequest, ChatTool } from './chat-types.ts';
import { checkRequest } from './check-request.ts';
import { chooseModel, type ChosenModel } from './choose-model.ts';
import type { Continuations } from './continuation.ts';
import type { Conversation } from './converse.ts';
import { formInstruction, jsonForm, type JsonForm } from './json-form.ts';
import { incomingText } from './incoming-text.ts';
import { messageText } from './message-text.ts';

/** What chats are made of; `makeChat` is given them once. */
export interface ChatParts {
  readonly providers: () => readonly ChatProvider[];
  readonly tools: Tools;
  readonly judge: Judge;
  readonly screens: Screens;
  readonly continuations: Continuations;
  readonly now: Now;
  readonly newId: NewId;
  readonly random: RandomBytes;
  readonly limits: ChatLimits;
}

export interface PreparedChat {
  readonly conversation: Omit<Conversation, 'signal'>;
  readonly judgement: Judgement;
  readonly chosen: ChosenModel;
  readonly facts: RouteFacts;
}

/**
 * Everything that can be refused before a decision: whether the request holds together, which model answers, which
 * server tools are offered, and what a mixed turn left.
 */
export async function prepareChat(parts: ChatParts, call: Call, request: ChatRequest): Promise<PreparedChat> {
  const { limits, judge, tools, continuations } = parts;
  checkRequest(request, limits);
  const providers = parts.providers();
  const [messages, server_tools] = await Promise.all([
    continuations.restore(call, request.messages),
    request.signet?.tools === undefined ? [] : tools.offered(call, request.signet.tools),
  ]);
  const client_tools = request.tools ?? [];
  checkNames(client_tools, server_tools, request);

  const all_tools = [...client_tools, ...server_tools];
  const facts = { needs_tools: all_tools.length > 0, prompt_tokens: promptTokens(messages) };
  const permits = (model: ModelInfo): boolean => judge.permits(call, judgementOf(model, request));
  const chosen = await chooseModel({ request, providers, facts, permits, signal: call.signal });
  const [model] = chosen.models;
  const form = jsonForm(request.response_format);
  const is_form_told = form.kind !== 'text' && !model.capabilities.includes('json_schema');
  checkFeatures(request, model, is_form_told);

  const screening = parts.screens.of('chat', incomingText(messages, limits.chat_text_bytes_max));
  const provider_request = providerRequest(request, {
    messages: is_form_told ? withInstruction(messages, form) : messages,
    tools: all_tools,
    max_tokens: request.max_completion_tokens ?? request.max_tokens,
    is_form_told,
  });
  return {
    conversation: {
      call,
      models: chosen.models,
      providers,
      inUse: { model },
      request: provider_request,
      form,
      is_form_told,
      client_tools: new Set(client_tools.map((tool) => tool.function.name)),
      has_server_tools: server_tools.length > 0,
      steps_max: request.signet?.max_steps ?? limits.chat.steps_max,
      tools,
      continuations,
      screening,
      newCallId: () => `call_${Buffer.from(parts.random(12)).toString('hex')}`,
      limits,
      now: parts.now,
    },
    judgement: { ...judgementOf(model, request), request: requestRecord(request), gates: screening },
    chosen,
    facts,
  };
}

export function judgementOf(model: ModelInfo, request?: ChatRequest): Judgement {
  return {
    action: 'chat',
    resource: { type: 'Model', id: model.id },
    facts: {
      tier: model.tier,
      provider: model.provider,
      ...(request === undefined
        ? {}
        : { stream: request.stream === true, server_tools: request.signet?.tools !== undefined }),
    },
  };
}

function checkNames(client: readonly ChatTool[], server: readonly ChatTool[], { tool_choice }: ChatRequest): void {
  const names = new Set(client.map((tool) => tool.function.name));
  const shadow = server.find((tool) => names.has(tool.function.name));
  if (shadow !== undefined) {
    refuse('tools', `expected no client tool named like the server tool \`${shadow.function.name}\``);
  }
  if (typeof tool_choice !== 'object') return;
  const { name } = tool_choice.function;
  if (!names.has(name) && !server.some((tool) => tool.function.name === name)) {
    refuse('tool_choice', `expected one of the tools of this request, got \`${name.slice(0, 64)}\``);
  }
}

/** Where a feature is missing, silence would be a wrong answer. */
function checkFeatures(request: ChatRequest, model: ModelInfo, is_form_told: boolean): void {
  const unsupported = (param: string, what: string): never => {
    throw new SignetError({ code: 'unsupported_parameter', detail: `\`${model.id}\` has no ${what}`, param });
  };
  if (is_form_told && (request.n ?? 1) > 1)
    unsupported('n', 'JSON form of its own, so it gives one choice in that form');
  if (model.rules !== true) return;
  if (request.extra?.['logprobs'] === true) unsupported('logprobs', 'log probabilities');
  const hasImage = request.messages.some(
    ({ content }) => Array.isArray(content) && content.some((part: { type?: string }) => part.type === 'image_url'),
  );
  if (hasImage) unsupported('messages', 'eyes for images');
}

/** Fields that concern an account at OpenAI, not the answer: accepted, and sent to nobody. */
const kept_here = new Set(['metadata', 'store', 'user', 'service_tier', 'safety_identifier', 'prompt_cache_key']);

function providerRequest(
  request: ChatRequest,
  {
    messages,
    tools,
    max_tokens,
    is_form_told,
  }: {
    messages: readonly ChatMessage[];
    tools: readonly ChatTool[];
    max_tokens: number | undefined;
    is_form_told: boolean;
  },
): Omit<ProviderRequest, 'model'> {
  const { tool_choice, stop, response_format, parallel_tool_calls, temperature, top_p, seed, n } = request;
  const extra = Object.entries(request.extra ?? {}).filter(([field]) => !kept_here.has(field));
  return {
    messages,
    tools,
    stream: request.stream === true,
    extra: Object.fromEntries(extra),
    ...(tool_choice === undefined
      ? {}
      : { tool_choice: typeof tool_choice === 'string' ? tool_choice : { name: tool_choice.function.name } }),
    ...(parallel_tool_calls === undefined ? {} : { parallel_tool_calls }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(top_p === undefined ? {} : { top_p }),
    ...(seed === undefined ? {} : { seed }),
    ...(n === undefined ? {} : { n }),
    ...(stop === undefined ? {} : { stop: typeof stop === 'string' ? [stop] : stop }),
    ...(max_tokens === undefined ? {} : { max_tokens }),
    ...(response_format === undefined || is_form_told ? {} : { response_format }),
  };
}

function withInstruction(messages: readonly ChatMessage[], form: JsonForm): readonly ChatMessage[] {
  return [{ role: 'system', content: formInstruction(form) }, ...messages];
}

/** A quarter of the bytes: enough to keep a request from a model that is far too small for it. */
export function promptTokens(messages: readonly ChatMessage[]): number {
  return Math.ceil(messages.reduce((sum, message) => sum + Buffer.byteLength(messageText(message)), 0) / 4);
}

function requestRecord(request: ChatRequest): JsonObject {
  return request as unknown as { readonly [field: string]: Json };
}

function refuse(param: string, detail: string): never {
  throw new SignetError({ code: 'invalid_request', detail, param });
}
