/** Why a node did not do what it was asked: by `kind` what to do about it, by `code` which of the node's reasons it was. */
export class NodeError extends Error {
  override readonly name = 'NodeError';
  /**
   * `refused`: the node answered with an error; `unavailable`: nobody answered; `timeout`: not in time; `malformed`: the
   * answer is none of this API.
   */
  readonly kind: 'refused' | 'unavailable' | 'timeout' | 'malformed';
  /** One of `shared/records/errors.json`, or `gate.unavailable` where nothing could compute. */
  readonly code: string;
  readonly reason?: string;
  readonly status?: number;
  readonly receipt?: string;
  readonly retry_after_s?: number;

  constructor(
    facts: {
      kind: NodeError['kind'];
      code: string;
      detail: string;
      reason?: string;
      status?: number;
      receipt?: string;
      retry_after_s?: number;
    },
    options?: { cause?: unknown },
  ) {
    super(`${facts.code}: ${facts.detail}`, options);
    this.kind = facts.kind;
    this.code = facts.code;
    if (facts.reason !== undefined) this.reason = facts.reason;
    if (facts.status !== undefined) this.status = facts.status;
    if (facts.receipt !== undefined) this.receipt = facts.receipt;
    if (facts.retry_after_s !== undefined) this.retry_after_s = facts.retry_after_s;
  }
}
