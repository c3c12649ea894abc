import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { InvokeFunction } from '../../../functions/adapters/lambda/function-call.ts';
import type { JsonObject } from '../../../functions/domain/json.ts';
import { readBody, sendJson } from './wire.ts';

/** Lambda's Invoke API over a function of this process, for machines where the Rust functions are not built. */
export async function serveInvoke(invoke: InvokeFunction): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createServer((incoming, response) => {
    void (async () => {
      const [, function_name = ''] =
        /\/functions\/([^/]+)\/invocations/.exec(decodeURIComponent(incoming.url ?? '')) ?? [];
      try {
        const payload = JSON.parse((await readBody(incoming)).toString()) as JsonObject;
        const answer = await invoke({ function_name, payload, timeout_ms: 10_000 });
        sendJson(response, 200, answer as JsonObject);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        const headers = { 'x-amzn-errortype': 'ResourceNotFoundException' };
        sendJson(response, 404, { Type: 'User', Message: message }, headers);
      }
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
