export interface OutgoingMessage {
  /** At most `limits.queue.message_bytes_max` bytes of UTF-8. */
  readonly body: string;
  /** 0..900,000; longer waits live in the job's `next_at`. */
  readonly delay_ms?: number;
  /** Messages of one group are handed out in the order of sending, one at a time. */
  readonly group?: string;
}

export interface ReceivedMessage {
  readonly id: string;
  readonly body: string;
  /** 1 on the first delivery. */
  readonly attempt: number;
  /** Names this delivery; useless once the visibility timeout is over and the message was handed out again. */
  readonly handle: string;
  readonly group?: string;
}

export interface DeadLetter {
  readonly id: string;
  readonly body: string;
  readonly attempts: number;
  readonly reason: string;
  /** Unix milliseconds. */
  readonly dead_at: number;
}

/**
 * At-least-once messages. What was sent is durable when `send` resolves. A message that is received and neither
 * completed nor released becomes visible again after its timeout; after `attempts_max` deliveries (a property of the
 * queue) the next receive moves it to the dead letters with reason `attempts_exhausted`. Broken input is a `TypeError`,
 * also a `group` for a queue that keeps no order. A service that cannot answer is a `QueueUnavailableError`.
 */
export interface Queue {
  /** 1..10 messages, all or none. */
  send(messages: readonly OutgoingMessage[]): Promise<void>;
  /** Waits up to `wait_ms` for the first message; resolves early with `[]` when `signal` aborts. */
  receive(request: {
    max: number;
    visibility_ms: number;
    wait_ms: number;
    signal: AbortSignal;
  }): Promise<ReceivedMessage[]>;
  /** Done with it. Of a stale handle: `stale`, and nothing changes. */
  complete(handle: string): Promise<'completed' | 'stale'>;
  /** Hand it out again after `delay_ms`. */
  release(handle: string, delay_ms: number): Promise<'released' | 'stale'>;
  /** Poison: out of the queue now, with its reason. */
  deadLetter(handle: string, reason: string): Promise<'dead' | 'stale'>;
  deadLetters(request: { cursor?: string; limit: number }): Promise<{ letters: DeadLetter[]; cursor?: string }>;
  /** Puts dead letters back, as new messages; answers how many were there. */
  redrive(ids: readonly string[]): Promise<number>;
}

/** The service did not answer. Of a `send`, some messages may be in the queue: sending again is safe, and may repeat them. */
export class QueueUnavailableError extends Error {
  override readonly name = 'QueueUnavailableError';
  readonly operation: string;
  readonly retryable: boolean;

  constructor(facts: { operation: string; retryable: boolean }, options?: { cause?: unknown }) {
    super(`the queue did not take \`${facts.operation}\``, options);
    this.operation = facts.operation;
    this.retryable = facts.retryable;
  }
}
