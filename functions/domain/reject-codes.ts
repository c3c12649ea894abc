import registry from '@signet/shared/records/reject-codes.json' with { type: 'json' };

/** A row of `shared/records/reject-codes.json`, the one source of the reasons of a refusal. */
export interface RejectRecord {
  readonly number: number;
  readonly code: string;
  /** HTTP status where the refusal is an error of the request. */
  readonly http: number;
  /** Number in the older table. */
  readonly legacy?: number;
  /** Why no input leads to it yet. */
  readonly not_produced?: string;
}

export const rejectRecords: readonly RejectRecord[] = registry.codes;

const byCode = new Map(rejectRecords.map((record) => [record.code, record]));

/** Undefined when the registry does not have it. */
export function rejectRecord(code: string): RejectRecord | undefined {
  return byCode.get(code);
}
