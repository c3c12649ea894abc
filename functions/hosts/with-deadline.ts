/** What of an invocation's context the handlers use. */
export interface LambdaContext {
  readonly awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

/**
 * Runs `work` with a signal that aborts `margin_ms` before the platform would end the function in the middle of
 * something; a short function keeps at least four fifths of its time for the work.
 */
export async function withDeadline<T>(
  context: LambdaContext,
  { margin_ms, reason }: { margin_ms: number; reason: () => Error },
  work: (deadline: AbortController) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const remaining_ms = context.getRemainingTimeInMillis();
  const timer = setTimeout(
    () => deadline.abort(reason()),
    Math.max(0, remaining_ms - Math.min(margin_ms, remaining_ms / 5)),
  );
  try {
    return await work(deadline);
  } finally {
    clearTimeout(timer);
  }
}
