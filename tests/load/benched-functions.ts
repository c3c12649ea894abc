import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { requestBytes, writeRequest } from '../../functions/adapters/frames/frames.ts';
import { encodeFloats } from '../../functions/domain/float-base64.ts';
import { builtPath } from '../integration/lambda/built-path.ts';
import type { LambdaServer } from '../integration/lambda/lambda-server.ts';
import { openStage } from '../integration/lambda/open-stage.ts';
import { repository } from './record.ts';

export interface BenchedFunction {
  readonly name: string;
  readonly runtime: 'rust' | 'node';
  readonly server: LambdaServer;
  readonly folder: string;
  readonly event: object;
  /** What the event asks for. */
  readonly call: string;
  /** Beyond a bare handler. */
  readonly init_ms_max?: number;
}

/** Every function that exists, with an event that it answers without anything outside of this machine. */
export async function openBenchedFunctions(): Promise<{
  readonly functions: readonly BenchedFunction[];
  stop(): Promise<void>;
}> {
  const emulator_url = process.env['SIGNET_EMULATOR_URL'];
  if (emulator_url === undefined) throw new Error('SIGNET_EMULATOR_URL is not set: run `npm run bench:lambda`');
  const stage = await openStage({ emulator_url });
  const scripts = await openOrchestrator();
  const rust = (name: string, facts: Pick<BenchedFunction, 'event' | 'call'> & { init_ms_max?: number }) =>
    ({
      name,
      runtime: 'rust',
      server: stage.server,
      folder: folderOf('lambdas-host', name),
      init_ms_max: 40,
      ...facts,
    }) as const;
  const node = (name: string, event: string, facts: { call: string; init_ms_max?: number }) =>
    ({
      name,
      runtime: 'node',
      server: stage.server,
      folder: folderOf('functions', name),
      event: readEvent(name, event),
      ...facts,
    }) as const;
  return {
    functions: [
      rust('sign-envelope', { event: digestEvent(), call: 'SHA-256 and BLAKE3 of 1 KiB' }),
      rust('score-vectors', { event: scoreEvent(), call: 'the best 10 of 1,000 rows of 384 numbers' }),
      rust('embed-text', { event: embedEvent(), call: 'one short text', init_ms_max: 250 }),
      rust('run-script', { event: scripts.event, call: 'a run that another has taken' }),
      node('serve-api', 'models-by-function-url', { call: 'GET /v1/models with a key', init_ms_max: 300 }),
      node('advance-run', 'wake-up', { call: 'one record whose job is gone' }),
      node('sweep-due', 'each-minute', { call: 'nothing is due' }),
    ],
    async stop() {
      await scripts.stop();
      await stage.stop();
    },
  };
}

function folderOf(artefact: string, name: string): string {
  const folder = builtPath(artefact, name);
  if (folder === undefined) throw new Error(`\`${artefact}\` is not built: \`npm run build -- ${artefact}\``);
  return folder;
}

function readEvent(name: string, event: string): object {
  return JSON.parse(readFileSync(join(repository, 'events', name, `${event}.json`), 'utf8')) as object;
}

function digestEvent(): object {
  const items = [[new Uint8Array(1024)]];
  const frame = Buffer.alloc(requestBytes(items));
  writeRequest(items, frame);
  return { operation: 'digest', frame: frame.toString('base64') };
}

function scoreEvent(): object {
  const floats = (count: number) => encodeFloats(Float32Array.from({ length: count }, (_, at) => Math.sin(at * 7.13)));
  return { metric: 'cosine', dimension: 384, k: 10, query: floats(384), rows: floats(384 * 1000) };
}

function embedEvent(): object {
  const texts = ['notes about the harbour lights, tides and ferries of the old town'];
  return { operation: 'embed', model: 'all-MiniLM-L6-v2', texts, input_type: 'query', truncate: 'end' };
}

/** An orchestrator that says to each start that another has the run. */
async function openOrchestrator(): Promise<{ event: object; stop(): Promise<void> }> {
  const orchestrator = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(409).end());
  });
  await new Promise<void>((resolve) => orchestrator.listen(0, '127.0.0.1', resolve));
  const { port } = orchestrator.address() as AddressInfo;
  const run_id = '0190a1b2-c3d4-7000-8000-000000000002';
  return {
    event: { run_id, token: 'none', callback_url: `http://127.0.0.1:${port}/internal/runs/${run_id}/frames` },
    async stop() {
      orchestrator.closeAllConnections();
      await new Promise((resolve) => orchestrator.close(resolve));
    },
  };
}
