import { SignetError } from '../../domain/errors.ts';
import type { ProviderChunk } from '../../domain/ports/provider.ts';
import { readChunk } from './read-chunk.ts';

/** A whole completion: one piece for each choice, then the usage. */
export function* readCompletion(text: string, name: string): Generator<ProviderChunk, void, void> {
  const whole = readChunk(parse(text), 'message');
  if (whole === undefined || whole.choices.length === 0) throw malformed(name, 'without choices');
  for (const choice of whole.choices) {
    if (choice.finish_reason === undefined) throw malformed(name, 'without a finish reason');
  }
  for (const choice of whole.choices) yield { choices: [choice] };
  if (whole.usage !== undefined) yield { choices: [], usage: whole.usage };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function malformed(name: string, what: string): SignetError {
  return new SignetError({ code: 'provider_malformed', detail: `\`${name}\` gave an answer ${what}` });
}
