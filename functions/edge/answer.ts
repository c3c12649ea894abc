/** What a route answers, before it is bytes. */
export type Answer =
  | {
      readonly kind: 'text';
      readonly status: number;
      readonly type: string;
      readonly body: string;
      readonly headers: AnswerHeaders;
    }
  | {
      readonly kind: 'slow';
      readonly status: 200;
      /** JSON that may be long in coming; white space goes out before it, so that nobody takes the connection for dead. */
      readonly body: Promise<string>;
      readonly headers: AnswerHeaders;
    }
  | {
      readonly kind: 'bytes';
      readonly status: 200;
      readonly type: string;
      readonly bytes: Uint8Array;
      readonly headers: AnswerHeaders;
    }
  | { readonly kind: 'empty'; readonly status: number; readonly headers: AnswerHeaders }
  | {
      readonly kind: 'stream';
      readonly status: 200;
      readonly headers: AnswerHeaders;
      /** Encoded server-sent events, one at a time; each goes out in one write. Never throws: an error is an event. */
      readonly events: AsyncIterable<StreamPiece>;
    };

export type AnswerHeaders = { readonly [name: string]: string };

export interface StreamPiece {
  readonly text: string;
  /** Set on the last piece: whether the stream ended as it should, so that it may be stored for a repeat. */
  readonly ended?: 'well' | 'badly';
}

export function jsonAnswer(body: unknown, headers: AnswerHeaders = {}, status = 200): Answer {
  return { kind: 'text', status, type: 'application/json', body: JSON.stringify(body), headers };
}

/** A value that may be long in coming and never fails: the status is out by then. */
export function slowAnswer(body: Promise<unknown>): Answer {
  return { kind: 'slow', status: 200, body: body.then((value) => JSON.stringify(value)), headers: {} };
}

/** The value of a decision, with its receipt in the header. */
export function judgedAnswer(judged: { readonly receipt: string }, body: unknown, status = 200): Answer {
  return jsonAnswer(body, { 'signet-receipt': judged.receipt }, status);
}

export function emptyAnswer(headers: AnswerHeaders = {}, status = 204): Answer {
  return { kind: 'empty', status, headers };
}
