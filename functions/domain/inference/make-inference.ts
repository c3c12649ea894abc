import type { Call, Now } from '../call.ts';
import type { ChatRequest, FinishReason } from '../chat/chat-types.ts';
import type { Chat, ChatStreamEvent, RoutedChat } from '../chat/chat.ts';
import { SignetError } from '../errors.ts';
import type { Table } from '../ports/table.ts';
import { bareId } from '../routing/route.ts';
import { adviseTier, complexityOf, featuresOf } from './advise-tier.ts';
import type { GenerateRequest, GenerationEvent, GenerationFacts, Inference, InferenceModel } from './inference.ts';
import { measuredSpeed } from './measured-speed.ts';
import type { Probes } from './probes.ts';

/** Generations are chats of one turn: the same router, policy, gates and receipts; the contract is in `inference.ts`. */
export function makeInference({
  chat,
  probes,
  table,
  now,
}: {
  chat: Pick<Chat, 'complete' | 'stream' | 'models' | 'routeOf'>;
  probes: Probes;
  table: Table;
  now: Now;
}): Inference {
  const speed = measuredSpeed({ table, now });

  /** Adds to what is known of the provider; a measurement that is lost makes an estimate no worse. */
  async function measure(facts: GenerationFacts): Promise<void> {
    const provider = facts.model.slice(0, facts.model.indexOf('/'));
    await speed.add(provider, facts.duration_ms).catch(() => undefined);
  }

  return {
    async generate(call, request) {
      const began = now();
      const deadline = withDeadline(call, request.deadline_ms);
      try {
        const completed = await chat.complete(deadline.call, chatRequest(request));
        const { choices, usage } = completed.value;
        const facts = factsOf(completed, now() - began, {
          ...usage,
          finish_reason: choices[0]?.finish_reason ?? 'stop',
        });
        await measure(facts);
        return { ...facts, text: choices[0]?.message.content ?? '', receipt: completed.receipt };
      } finally {
        deadline.clear();
      }
    },

    async stream(call, request) {
      const began = now();
      const deadline = withDeadline(call, request.deadline_ms);
      const whole = { ...chatRequest(request), stream: true, stream_options: { include_usage: true } };
      try {
        const streamed = await chat.stream(deadline.call, whole);
        return {
          receipt: streamed.receipt,
          route: streamed.route,
          events: generationEvents(streamed.events, {
            finish: (told) => factsOf({ ...streamed, ...told.routed }, now() - began, told),
            measure,
            clear: deadline.clear,
          }),
        };
      } catch (error) {
        deadline.clear();
        throw error;
      }
    },

    async models(call) {
      const [offered, probed] = await Promise.all([chat.models(call), probes.latest(probe_ms_max)]);
      const byProvider = new Map(probed.map((probe) => [probe.provider, probe]));
      return offered.map((model): InferenceModel => {
        const probe = byProvider.get(model.provider);
        const available =
          probe === undefined || !probe.answered ? probe?.answered : probe.models?.includes(bareId(model));
        return {
          name: model.id,
          tier: model.tier,
          provider: model.provider,
          ...(model.context_tokens === undefined ? {} : { context_length: model.context_tokens }),
          ...(available === undefined ? {} : { available }),
          ...(probe === undefined ? {} : { probed_at: probe.at }),
        };
      });
    },

    async recommend(call, request) {
      const features = featuresOf(request);
      const known = await speed.read(await probes.latest(probe_ms_max));
      return {
        ...(await adviseTier({
          request,
          known,
          routeOf: (tiers) => chat.routeOf(call, { model: 'auto', messages: messagesOf(request) }, tiers),
        })),
        complexity: complexityOf(features),
        features,
      };
    },
  };
}

const probe_ms_max = 240_000;

interface Told {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly finish_reason: FinishReason;
}

function factsOf({ route, candidates, ...begun }: RoutedChat, duration_ms: number, told: Told): GenerationFacts {
  const { prompt_tokens, completion_tokens, finish_reason } = told;
  const isMeasurable = completion_tokens > 0 && duration_ms > 0;
  return {
    model: route,
    // A stream may have begun before the model that stood in for a silent one.
    tier: candidates.find(({ model }) => model === route)?.tier ?? begun.tier,
    prompt_tokens,
    completion_tokens,
    duration_ms,
    ...(isMeasurable ? { tokens_per_second: Math.round((completion_tokens * 100_000) / duration_ms) / 100 } : {}),
    finish_reason,
    route: candidates,
  };
}

function messagesOf({ prompt, system }: Pick<GenerateRequest, 'prompt' | 'system'>): ChatRequest['messages'] {
  const told = system === undefined || system === '' ? [] : [{ role: 'system' as const, content: system }];
  return [...told, { role: 'user', content: prompt }];
}

function chatRequest(request: GenerateRequest): ChatRequest {
  const { max_tokens, temperature, tier } = request;
  return {
    model: 'auto',
    messages: messagesOf(request),
    max_tokens,
    temperature,
    ...(tier === undefined ? {} : { signet: { tier } }),
  };
}

/** The call, ended by its own deadline as well. */
function withDeadline(call: Call, deadline_ms: number | undefined): { call: Call; clear: () => void } {
  if (deadline_ms === undefined) return { call, clear: () => undefined };
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort(new SignetError({ code: 'provider_timeout', detail: `no answer within ${deadline_ms} ms` }));
  }, deadline_ms);
  return {
    call: { ...call, signal: AbortSignal.any([call.signal, late.signal]) },
    clear: () => clearTimeout(timer),
  };
}

/** A chat's chunks as what they say; the last event tells what the chunks told together. */
async function* generationEvents(
  events: AsyncIterable<ChatStreamEvent>,
  {
    finish,
    measure,
    clear,
  }: {
    finish: (told: Told & { routed: Partial<Pick<RoutedChat, 'route'>> }) => GenerationFacts;
    measure: (facts: GenerationFacts) => Promise<void>;
    clear: () => void;
  },
): AsyncGenerator<GenerationEvent, void, void> {
  let told: Told = { prompt_tokens: 0, completion_tokens: 0, finish_reason: 'stop' };
  let model: string | undefined;
  let receipt = '';
  try {
    for await (const event of events) {
      if (event.kind === 'comment') {
        receipt = /^signet-receipt ([0-9a-f]{64})$/.exec(event.text)?.[1] ?? receipt;
        continue;
      }
      const chunk = event.chunk as Chunk;
      model = chunk.model ?? model;
      const [choice] = chunk.choices ?? [];
      told = { ...told, ...chunk.usage, ...(choice?.finish_reason ? { finish_reason: choice.finish_reason } : {}) };
      const text = choice?.delta?.content ?? '';
      if (text !== '') yield { kind: 'text', text };
    }
    const facts = finish({ ...told, routed: model === undefined ? {} : { route: model } });
    await measure(facts);
    yield { kind: 'done', receipt, ...facts };
  } finally {
    clear();
  }
}

interface Chunk {
  readonly model?: string;
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null };
    readonly finish_reason?: FinishReason | null;
  }[];
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null;
}
