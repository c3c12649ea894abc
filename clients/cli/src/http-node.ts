import type { Json, JsonObject } from '@signet/functions/domain/json.ts';
import type { NodeStatus } from '@signet/functions/domain/node/status.ts';
import type { Run, RunEvent } from '@signet/functions/domain/runs/runs.ts';
import { CommandFailure, exitForCode, exits } from './failure.ts';
import type { NodeAccess, WitnessReport } from './node-access.ts';
import { readEvents } from './read-events.ts';
import { escaped } from './terminal.ts';

/** A node by its address. */
export function httpNode({ url, key }: { url: string; key: string }): NodeAccess {
  return {
    where: url,
    startRun: async (request) => (await json('POST', '/api/v1/runs', { ...request, mode: 'async' })) as unknown as Run,
    run: async (id) => (await json('GET', `/api/v1/runs/${id}`)) as unknown as Run,
    async cancelRun(id) {
      await json('POST', `/api/v1/runs/${id}/cancel`, {});
    },
    status: async () => (await json('GET', '/api/v1/status')) as unknown as NodeStatus,
    witness: async () => (await json('GET', '/api/v1/witness')) as unknown as WitnessReport,
    runEvents: events,
    close: async () => undefined,
  };

  async function json(method: 'GET' | 'POST', path: string, body?: unknown): Promise<JsonObject> {
    const answer = await ask(method, path, body);
    return (await answer.json()) as JsonObject;
  }

  /** Follows to `done`; a connection that breaks in between is taken up again after the last event. */
  async function* events(id: string, after: number): AsyncGenerator<RunEvent> {
    let last = after;
    for (let failures = 0; failures < 5; ) {
      const answer = await ask('GET', `/api/v1/runs/${id}/events?after=${last}`);
      try {
        for await (const event of eventsOf(answer)) {
          failures = 0;
          last = event.id;
          yield event;
          if (event.event === 'done') return;
        }
      } catch (error) {
        if (error instanceof CommandFailure) throw error;
      }
      failures += 1;
      await new Promise((resolve) => setTimeout(resolve, 100 * failures));
    }
    throw new CommandFailure({ exit: exits.failed, message: `the events of run ${id} from ${url} ended early` });
  }

  async function ask(method: string, path: string, body?: unknown): Promise<Response> {
    let answer: Response;
    try {
      answer = await fetch(`${url}${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (cause) {
      const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
      throw new CommandFailure(
        { exit: exits.failed, message: `expected a node at ${url}: ${reason}; \`signet serve\` starts one` },
        { cause },
      );
    }
    if (answer.ok) return answer;
    throw await refusal(answer);
  }

  async function refusal(answer: Response): Promise<CommandFailure> {
    const problem = (await answer.json().catch(() => ({}))) as { code?: unknown; detail?: unknown };
    const code = typeof problem.code === 'string' ? problem.code : `http ${answer.status}`;
    const detail = typeof problem.detail === 'string' ? problem.detail : answer.statusText;
    const retry = answer.headers.get('retry-after');
    const advice =
      answer.status === 401 ? '; give --key, or --home of the node' : retry === null ? '' : `; try again in ${retry} s`;
    return new CommandFailure({ exit: exitForCode(code), message: `${escaped(code)}: ${escaped(detail)}${advice}` });
  }
}

/** A run's events; the one by which the node says that it cannot go on is a failure. */
async function* eventsOf(answer: Response): AsyncGenerator<RunEvent> {
  for await (const { id, event, data } of readEvents(answer)) {
    if (event === 'error')
      throw new CommandFailure({ exit: exits.failed, message: `the node ended the events: ${data}` });
    yield { id: Number(id), event, data: JSON.parse(data) as Json };
  }
}
