import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { DigestCompute } from '../ports/compute.ts';
import type { ContentType } from './gates.ts';
import type { Finding, Gate } from './run-chain.ts';

/** G0: the size, and for JSON the strict profile. `fault` is that of an envelope that is none. */
export function formGate(request: {
  digest: DigestCompute;
  bytes: Uint8Array;
  content_type: ContentType;
  fault: () => Promise<string | undefined>;
}): Gate {
  return { tier: 'cheap', run: async () => formFinding(request, await request.fault()) };
}

async function formFinding(
  { digest, bytes, content_type }: { digest: DigestCompute; bytes: Uint8Array; content_type: ContentType },
  fault: string | undefined,
): Promise<Finding> {
  const facts = { bytes: bytes.length, form: content_type };
  const failed = (code: string): Finding => ({ state: 'scored', score: 0, code, facts });
  if (fault !== undefined) return failed(fault);
  if (bytes.length > limits.messages.content_bytes_max) return failed('json.size');
  if (content_type === 'application/json') {
    const [outcome] = await digest.canonicalise([bytes]);
    if (outcome?.ok !== true) return failed(outcome?.code ?? 'internal');
  }
  return { state: 'scored', score: full, code: '', facts };
}

const full = 10_000;
