import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json, JsonObject } from '../../../functions/domain/json.ts';

export interface ScriptDesk {
  /** Bodies in the order in which they came. */
  readonly frames: readonly JsonObject[];
  /** The event with its callback at this server instead of the API that the files of `events/` name. */
  addressed(event: JsonObject): JsonObject;
  stop(): Promise<void>;
}

/**
 * An orchestrator of one script for the function `run-script`: it hands the script out, answers each call by `answer`, and
 * takes the completion in. A run whose id ends in `dead` is another engine's.
 */
export async function serveScript(request: {
  script: string;
  answer?: (method: string, args: Json) => Json;
}): Promise<ScriptDesk> {
  const { script, answer = () => null } = request;
  const frames: JsonObject[] = [];
  const server = createServer((incoming, response) => void take(incoming, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function take(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const frame = JSON.parse(Buffer.concat(chunks).toString()) as JsonObject;
    frames.push(frame);
    const run_id = (incoming.url ?? '').split('/').at(-2) ?? '';
    if (run_id.endsWith('dead')) {
      response.writeHead(409).end('{}');
      return;
    }
    const body = reply(frame, run_id);
    response.writeHead(body === undefined ? 204 : 200).end(body === undefined ? '' : JSON.stringify(body));
  }

  function reply(frame: JsonObject, run_id: string): Json | undefined {
    const { kind, method, args } = frame;
    if (kind === 'start') return startOf(run_id, script);
    if (kind === 'watch') return { cancelled: false };
    if (kind === 'completion') return undefined;
    return { kind: 'value', value: answer(typeof method === 'string' ? method : '', args ?? null) };
  }

  return {
    frames,
    addressed(event) {
      const { callback_url: url } = event;
      if (typeof url !== 'string') return event;
      return { ...event, callback_url: url.replace('https://api.example.com', origin) };
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function startOf(run_id: string, script: string): JsonObject {
  return {
    run_id,
    tenant: 'tenant',
    script,
    file_name: 'script.py',
    argv: [],
    input: { b: 1, a: 2 },
    seed: '7',
    clock_base_ms: 1_790_000_000_000,
    dry_run: false,
    limits: {
      wall_ms: 30_000,
      cpu_ms: 10_000,
      memory_mb: 256,
      output_bytes: 8_192,
      host_calls: 1_000,
      script_tool_ms: 5_000,
    },
    registry_tools: [],
  };
}
