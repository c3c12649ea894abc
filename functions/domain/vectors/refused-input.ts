import { SignetError } from '../errors.ts';
import { ComputeRefusedError } from '../ports/compute.ts';
import { invalid } from './check-request.ts';

/** A namespace that cannot be answered from until its objects are restored: no answer is better than a wrong one. */
export function damaged(what: string, cause?: unknown): SignetError {
  return new SignetError(
    { code: 'capability_unavailable', reason: 'segment_damaged', detail: `this namespace is damaged: ${what}` },
    { cause },
  );
}

/** What the search refuses in words of the request; every other error goes on as it is. */
export async function explainRefusal<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ComputeRefusedError)) throw error;
    const { code, message, facts } = error;
    const { path } = facts;
    switch (code) {
      case 'invalid_filter':
        throw invalid('invalid_filter', typeof path === 'string' ? path.slice(0, 200) : 'filter', message);
      case 'no_stored_rows':
        throw new SignetError({ code: 'no_stored_rows', detail: 'this collection keeps no rows to score exactly' });
      default:
        if (code.startsWith('segment.')) throw damaged(code, error);
        throw error;
    }
  }
}
