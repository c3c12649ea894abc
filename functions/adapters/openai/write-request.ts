import type { ProviderRequest } from '../../domain/ports/provider.ts';
import type { OpenAiQuirks } from './openai-provider.ts';

/** The body of `POST /chat/completions` as this server understands it; what is not asked for is not sent. */
export function writeRequest(request: ProviderRequest, quirks: OpenAiQuirks): string {
  const { tool_choice } = request;
  const body: { [field: string]: unknown } = {
    ...request.extra,
    model: request.model,
    messages: request.messages,
    stream: request.stream,
  };
  if (request.tools.length > 0) {
    body['tools'] = request.tools;
    if (request.parallel_tool_calls !== undefined) body['parallel_tool_calls'] = request.parallel_tool_calls;
    if (tool_choice !== undefined) {
      body['tool_choice'] = typeof tool_choice === 'string' ? tool_choice : { type: 'function', function: tool_choice };
    }
  }
  if (request.stream && quirks.stream_usage !== false) body['stream_options'] = { include_usage: true };
  if (request.max_tokens !== undefined) body[quirks.max_tokens_field ?? 'max_tokens'] = request.max_tokens;
  for (const field of ['response_format', 'temperature', 'top_p', 'stop', 'seed', 'n'] as const) {
    if (request[field] !== undefined) body[field] = request[field];
  }
  return JSON.stringify(body);
}
