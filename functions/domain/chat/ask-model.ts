import { errorRecord, isSignetError } from '../errors.ts';
import type { ChatProvider, ModelInfo, ProviderChunk, ProviderRequest } from '../ports/provider.ts';
import { bareId } from '../routing/route.ts';

/** The model that answers: the first of the list until a piece has come from another. */
export interface ModelInUse {
  model: ModelInfo;
}

/**
 * Asks the first model and, where it fails before its first piece in a way that another may not, the next. After the
 * first piece there is no other: a client must never read an answer that two models wrote.
 */
export async function* askModel({
  models,
  providers,
  inUse,
  request,
  signal,
}: {
  models: readonly ModelInfo[];
  providers: readonly ChatProvider[];
  inUse: ModelInUse;
  request: Omit<ProviderRequest, 'model'>;
  signal: AbortSignal;
}): AsyncGenerator<ProviderChunk, void, void> {
  for (const [index, model] of models.entries()) {
    const provider = providers.find((candidate) => candidate.name === model.provider);
    if (provider === undefined) continue;
    let hasPiece = false;
    inUse.model = model;
    try {
      for await (const chunk of provider.chat({ ...request, model: bareId(model) }, signal)) {
        hasPiece = true;
        yield chunk;
      }
      return;
    } catch (error) {
      if (hasPiece || signal.aborted || index === models.length - 1 || !mayStandIn(error)) throw error;
    }
  }
}

function mayStandIn(error: unknown): boolean {
  return isSignetError(error) && (errorRecord(error.code).retry || error.code === 'provider_auth');
}
