import type { JsonObject } from '@signet/functions/domain/json.ts';
import { NodeError } from './node-error.ts';
import type { GateCheck, NodeLifecycle } from './lifecycle-types.ts';

/** What a pipeline hands to its filters. Scores that it carries are claims. */
export interface FilteredItem extends GateCheck {
  readonly [field: string]: unknown;
}

export interface FilterResult {
  readonly pass: boolean;
  /** Codes and gates that speak against it; empty where it passes. */
  readonly reasons: readonly string[];
  /** What the node judged, as it answered; absent where it did not. */
  readonly verdict?: JsonObject;
}

export interface GateFilter {
  readonly name: 'gates';
  readonly weight: number;
  apply(item: FilteredItem): Promise<FilterResult>;
}

/**
 * A filter for any pipeline: an item passes if the node's verdict says so, and in no other case. It is to be run again
 * after each step that changes the item.
 *
 * @example const filter = createGateFilter(node); const { pass } = await filter.apply({ content: text });
 */
export function createGateFilter(node: Pick<NodeLifecycle, 'checkGates'>, { weight = 2 } = {}): GateFilter {
  return {
    name: 'gates',
    weight,
    async apply(item) {
      try {
        return judged(await node.checkGates(checkOf(item)));
      } catch (error) {
        // Away, late, refusing or answering nonsense: whatever keeps the verdict from us keeps the item back.
        return { pass: false, reasons: [reasonOf(error)] };
      }
    },
  };
}

function judged(verdict: JsonObject): FilterResult {
  const { passed, code, results, snr_bp, ihsan_bp } = verdict;
  const failed = (Array.isArray(results) ? (results as readonly JsonObject[]) : [])
    .filter((result) => result['passed'] !== true)
    .map(({ gate, code: why }) => `${text(gate) ?? 'gate'}: ${text(why) ?? 'failed'}`);
  const missing = typeof snr_bp !== 'number' ? ['snr.missing'] : typeof ihsan_bp !== 'number' ? ['ihsan.missing'] : [];
  if (passed === true && missing.length === 0) return { pass: true, reasons: [], verdict };
  const said = typeof code === 'string' ? [code] : passed === true ? [] : ['gate_refused'];
  return { pass: false, reasons: [...said, ...missing, ...failed], verdict };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Only what the node takes: a field of the pipeline's own must not fail an item. */
function checkOf({ content, content_type, action, envelope, snr_score, ihsan_score }: FilteredItem): GateCheck {
  return {
    content,
    ...(content_type === undefined ? {} : { content_type }),
    ...(action === undefined ? {} : { action }),
    ...(envelope === undefined ? {} : { envelope }),
    ...(snr_score === undefined ? {} : { snr_score }),
    ...(ihsan_score === undefined ? {} : { ihsan_score }),
  };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof NodeError)) return 'gate.unavailable';
  if (error.kind === 'refused') return error.reason ?? error.code;
  return error.kind === 'timeout' ? 'gate.deadline' : 'gate.unavailable';
}
