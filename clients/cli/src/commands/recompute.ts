import type { JsonObject } from '@signet/functions/domain/json.ts';
import type { RecomputedVerdict } from '@signet/functions/domain/gates/recompute-verdict.ts';
import { gateVerdictType } from '@signet/functions/domain/receipts/statement-types.ts';
import type { GatesCompute } from '@signet/functions/domain/ports/gates-compute.ts';
import { CommandFailure, exits } from '../failure.ts';

/**
 * The verdict of a verified statement, computed again from `file`: the text itself, or its content record, of which the
 * text is taken. Scores depend on the text alone; that it is the text that was judged is what `--content` shows.
 */
export async function recompute(
  statement: JsonObject | undefined,
  file: Uint8Array,
  compute: GatesCompute,
): Promise<RecomputedVerdict> {
  const predicate = statement?.['predicate'];
  if (statement?.['predicateType'] !== gateVerdictType || !isObject(predicate)) {
    throw new CommandFailure({ exit: exits.usage, message: 'expected a receipt of a gate verdict for --recompute' });
  }
  const { recomputeVerdict } = await import('@signet/functions/domain/gates/recompute-verdict.ts');
  return recomputeVerdict({ record: predicate, content: contentOf(new TextDecoder().decode(file)), compute });
}

function contentOf(text: string): string {
  try {
    const record: unknown = JSON.parse(text);
    if (isObject(record) && Object.keys(record).join() === 'content,salt' && typeof record['content'] === 'string') {
      return record['content'];
    }
  } catch {
    // Text that is no JSON is the content itself.
  }
  return text;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
