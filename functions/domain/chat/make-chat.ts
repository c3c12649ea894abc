import type { NewId, Now, RandomBytes } from '../call.ts';
import type { Judge } from '../decisions/judge.ts';
import type { Screens } from '../gates/screening.ts';
import type { ChatProvider } from '../ports/provider.ts';
import type { Table } from '../ports/table.ts';
import type { Tools } from '../tools/tools.ts';
import { readCatalogue } from './catalogue.ts';
import type { ChatLimits } from './chat-limits.ts';
import type { Chat } from './chat.ts';
import { completeChat } from './complete-chat.ts';
import { findRoute } from './choose-model.ts';
import { continuations } from './continuation.ts';
import { judgementOf, promptTokens, type ChatParts } from './prepare-chat.ts';
import { streamChat } from './stream-chat.ts';

/** Chats over the configured providers and the tools of the registry; the contract is in `chat.ts`. */
export function makeChat({
  table,
  ...given
}: {
  /** Asked for each request: configuration may change under a running node. */
  providers: () => readonly ChatProvider[];
  tools: Tools;
  judge: Judge;
  screens: Screens;
  table: Table;
  now: Now;
  newId: NewId;
  random: RandomBytes;
  limits: ChatLimits;
}): Chat {
  const { now, random, limits } = given;
  const parts: ChatParts = {
    ...given,
    continuations: continuations({ table, now, random, kept_s: limits.chat.continuation_s }),
  };
  return {
    complete: (call, request) => completeChat(parts, call, request),
    stream: (call, request) => streamChat(parts, call, request),
    async routeOf(call, request, tiers) {
      const facts = { needs_tools: (request.tools ?? []).length > 0, prompt_tokens: promptTokens(request.messages) };
      const { found } = await findRoute({
        request,
        providers: parts.providers(),
        facts,
        signal: call.signal,
        ...(tiers === undefined ? {} : { tiers }),
      });
      if (found.kind !== 'chosen') return found;
      const fallbacks = found.fallbacks.filter((model) => parts.judge.permits(call, judgementOf(model, request)));
      return { ...found, fallbacks };
    },
    async models(call) {
      const { models } = await readCatalogue(parts.providers(), call.signal);
      return models
        .filter(({ capabilities }) => capabilities.includes('chat'))
        .map((model) => ({ ...model, permitted: parts.judge.permits(call, judgementOf(model)) }));
    },
  };
}
