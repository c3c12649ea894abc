/**
 * What every AWS client of the adapters is made with. The adapters repeat calls themselves: the client would repeat a
 * counter's addition whose answer was lost, not knowing that it may have been carried out.
 */
export const client_settings = {
  maxAttempts: 1,
  requestHandler: { connectionTimeout: 1000, requestTimeout: 10_000, throwOnRequestTimeout: true },
} as const;
