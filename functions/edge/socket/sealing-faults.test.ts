import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { dyingPorts } from '../../../tests/fixtures/dying-ports.ts';
import { openLogWorld, type LogWorld } from '../../../tests/fixtures/log-world.ts';
import { testCall } from '../../../tests/fixtures/open-test-node.ts';
import { makeEventFeed } from '../../domain/events/event-feed.ts';
import { makeToldLog } from '../../domain/events/told-log.ts';
import type { JsonObject } from '../../domain/json.ts';
import { runType } from '../../domain/receipts/statement-types.ts';
import { makeSocketHub } from './socket-hub.ts';

/** Storage is on disk, and the log is sealed a hundred times. */
jest.setTimeout(120_000);

let world: LogWorld;
beforeEach(async () => {
  world = await openLogWorld();
});
afterEach(() => world.close());

test.each(['before', 'after'] as const)(
  'a reader whose node dies %s any step of sealing resumes and is told every run once, in the order of the log',
  async (fault) => {
    const runs: string[] = [];
    const heard: JsonObject[] = [];
    let nth = 1;
    for (; ; nth += 1) {
      const run = `run-${nth}`;
      runs.push(run);
      await append(run);
      const { wrap, wasHit } = dyingPorts(nth, fault);
      const { table, objects, keys } = world.node;
      const reader = listen(heard);
      const dying = world.sealer({ table: wrap(table), objects: wrap(objects), keys: wrap(keys) });
      await dying.seal().catch((error: unknown) => {
        if (!wasHit()) throw error;
      });
      // The connection ends with its node, wherever it has come to; the next one begins at its cursor.
      await reader.end();
      while ((await world.sealer().seal()).kind !== 'idle');
      const next = listen(heard);
      await next.heard(runs.length);
      await next.end();
      if (!wasHit()) break;
    }
    expect(nth).toBeGreaterThan(20);
    expect(heard.map(({ subject }) => subject)).toEqual(runs);
  },
);

function append(run: string): Promise<string> {
  const predicate = { run, exit: { code: 0, reason: 'ok' }, used: {} };
  const subject = [{ name: 'run', digest: { sha256: 'c'.repeat(64) } }];
  return world.receipts.append(testCall(), { subject, predicate_type: runType, predicate });
}

/** A connection to a process of its own, which goes on after what was heard before. */
function listen(heard: JsonObject[]): { heard(count: number): Promise<void>; end(): Promise<void> } {
  const { table, compute, now } = world.node;
  const log = makeToldLog({ log: world.log, verify: compute.verify, table, now });
  const { principal } = testCall();
  const hub = makeSocketHub({
    log,
    feed: makeEventFeed({ log, onError: () => undefined, look_every_ms: 1 }),
    facts: async () => ({ version: '1', node_id: 'did', uptime_secs: 1, requests: 1, head: await log.head() }),
    authenticate: async () => principal,
    now,
    onError: () => undefined,
  });
  let wake = (): void => undefined;
  const socket = hub.open({
    principal,
    bearer: 'key',
    wire: {
      send(text) {
        const message = JSON.parse(text) as JsonObject;
        if (message['type'] === 'event') heard.push(message);
        wake();
      },
      queued: () => ({ bytes: 0, messages: 0 }),
      drained: () => Promise.resolve(),
      close: () => undefined,
    },
  });
  const cursor = heard.at(-1)?.['seq'] ?? -1;
  socket.receive(new TextEncoder().encode(JSON.stringify({ type: 'subscribe', topic: 'run.completed', cursor })));
  return {
    async heard(count) {
      while (heard.length < count) await new Promise<void>((resolve) => (wake = resolve));
    },
    async end() {
      socket.gone();
      // What the feed had begun to read ends with it.
      await new Promise((resolve) => setTimeout(resolve, 5));
    },
  };
}
