import { z } from '@hono/zod-openapi';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import { SignetError } from '../../domain/errors.ts';
import type { Run, RunRequest, RunState } from '../../domain/runs/runs.ts';
import type { Answer } from '../answer.ts';
import { jsonAnswer, judgedAnswer } from '../answer.ts';
import type { Endpoint, EndpointInput } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';
import { runPieces } from '../event-stream.ts';
import { anyJson, givenId, hasControl, jsonObject, tier, toolName, unsupported, wholeNumber } from '../schema-parts.ts';
import { reportStream } from '../stream-failure.ts';

const runLimits = z.strictObject({
  wall_ms: z.number().int().min(1).max(limits.runs.wall_ms_max).optional(),
  cpu_ms: z.number().int().min(1).max(limits.runs.cpu_ms_max).optional(),
  memory_mb: z.number().int().min(1).max(limits.runs.memory_mb_max).optional(),
  output_bytes: z.number().int().min(0).max(limits.runs.output_bytes_max).optional(),
  host_calls: z.number().int().min(0).max(limits.runs.host_calls_max).optional(),
});

const runBody = z.strictObject({
  script: z
    .string()
    .min(1)
    .refine(fits(limits.runs.script_bytes_max), `expected at most ${limits.runs.script_bytes_max} bytes`)
    .optional(),
  script_ref: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}(@[0-9a-f]{64})?$/, 'expected `name` or `name@digest`')
    .optional(),
  file_name: z
    .string()
    .max(128)
    .refine((file) => file !== '' && !/[/\\]/.test(file) && !hasControl(file), 'expected a file name without a path')
    .optional(),
  argv: z
    .array(z.string())
    .max(1024)
    .refine((argv) => argv.every((one) => !one.includes('\u0000')), 'expected no NUL')
    .refine(
      (argv) => fits(limits.runs.argv_bytes_max)(argv.join(' ')),
      `expected at most ${limits.runs.argv_bytes_max} bytes`,
    )
    .default([]),
  input: anyJson.optional(),
  model: z.string().min(1).max(256).optional(),
  tier: tier.optional(),
  tools: z.union([z.array(toolName).max(limits.runs.tools_max), z.literal('auto')]).optional(),
  limits: runLimits.default({}),
  mode: z.enum(['sync', 'async', 'stream']).default('sync'),
  packages: unsupported('package locks are not built yet', null),
  dry_run: unsupported('dry runs are not built yet', false),
  faults: unsupported('fault injection is not built yet', null),
});

const params = z.object({ id: givenId });
const run = jsonObject.openapi('Run');
const decides = { action: 'runScript', resource: 'Script' } as const;

export const runEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/api/v1/runs',
    summary: 'Runs a Python script in the sandbox',
    access: 'runs:write',
    decides,
    idempotent: 'stored',
    body: { class: 'runs', schema: runBody },
    answers: {
      200: { description: 'the run that ended, or with mode `stream` its events', schema: run, streamed: true },
      202: { description: 'still running: follow `location`', schema: run },
    },
    handle: async (input) => {
      const { services, call, body, limits: edgeLimits } = input;
      const { mode, packages: _packages, dry_run: _dry, faults: _faults, ...asked } = body;
      if ((asked.script === undefined) === (asked.script_ref === undefined)) {
        throw new SignetError({
          code: 'invalid_request',
          detail: 'expected exactly one of `script` and `script_ref`',
          param: 'script',
        });
      }
      const request: RunRequest = { ...asked, input: asked.input ?? null };
      checkInputSize(request);
      const created = await services.runs.create(call, request);
      const { id } = created.value;
      if (mode === 'stream') return eventsAnswer(input, id, 0, created.receipt);
      if (mode === 'async') return runAnswer(created.value, created.receipt);
      const ended = await services.runs.get(call, { id, wait_ms: edgeLimits.sync_wait_ms });
      // The last receipt of an ended run is the run's own statement; until then the decision is what there is.
      return runAnswer(ended, isOver(ended.state) ? (ended.receipts.at(-1) ?? created.receipt) : created.receipt);
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/runs/{id}',
    summary: 'A run as it stands',
    access: 'runs:read',
    params,
    query: z.object({
      wait_ms: wholeNumber(0, limits.runs.sync_wait_ms)
        .optional()
        .openapi({ description: 'waits for the end at most so long' }),
    }),
    answers: { 200: { description: 'the run', schema: run } },
    handle: async ({ services, call, params: { id }, query }) =>
      jsonAnswer(await services.runs.get(call, { id, ...query })),
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/runs/{id}/events',
    summary: 'Events of a run, stored and then live',
    access: 'runs:read',
    streams: true,
    params,
    query: z.object({ after: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional() }),
    answers: {
      200: { description: 'server-sent events with gapless ids', type: 'text/event-stream', schema: z.string() },
    },
    handle: (input) => {
      const last = input.header('last-event-id');
      return eventsAnswer(input, input.params.id, last === undefined ? (input.query?.after ?? 0) : eventId(last));
    },
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/runs/{id}/cancel',
    summary: 'Cancels a run; twice is fine',
    access: 'runs:write',
    decides,
    idempotent: 'stored',
    params,
    body: { class: 'other', schema: z.strictObject({}), optional: true },
    answers: { 200: { description: 'the run', schema: run } },
    handle: async ({ services, call, params: { id } }) => {
      const cancelled = await services.runs.cancel(call, id);
      return judgedAnswer(cancelled, cancelled.value);
    },
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/runs/{id}/calls',
    summary: "The channel of a run's sandbox",
    access: 'run-token',
    params,
    body: {
      class: 'runs',
      schema: z.strictObject({
        seq: z.number().int().min(1),
        method: z
          .string()
          .regex(/^[a-z_]+(\.[a-z_]+)*$/)
          .max(64),
        args: jsonObject.default({}),
      }),
    },
    answers: { 200: { description: 'a reply frame', schema: jsonObject } },
    handle: async ({ services, params: { id }, body, bearer }) => {
      const reply = await services.runs.answerCall({ run_id: id, token: bearer, ...body });
      if (reply.kind === 'error' && reply.error.code === 'invalid_token') {
        throw new SignetError({
          code: 'invalid_api_key',
          reason: 'run.token',
          detail: "expected the run's own live token",
        });
      }
      return jsonAnswer(reply);
    },
  }),
];

function fits(bytes_max: number): (text: string) => boolean {
  return (text) => Buffer.byteLength(text) <= bytes_max;
}

function checkInputSize({ input }: RunRequest): void {
  if (fits(limits.runs.input_bytes_max)(JSON.stringify(input))) return;
  throw new SignetError({
    code: 'too_large',
    detail: `expected \`input\` of at most ${limits.runs.input_bytes_max} bytes`,
    param: 'input',
  });
}

function isOver(state: RunState): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'cancelled' || state === 'timed_out';
}

function runAnswer(value: Run, receipt: string): Answer {
  const headers = { 'signet-receipt': receipt };
  if (isOver(value.state)) return jsonAnswer(value, headers);
  return jsonAnswer(value, { ...headers, location: `/api/v1/runs/${value.id}` }, 202);
}

async function eventsAnswer(
  { services, call }: Pick<EndpointInput<unknown, unknown, unknown>, 'services' | 'call'>,
  id: string,
  after: number,
  receipt?: string,
): Promise<Answer> {
  const events = await services.runs.events(call, { id, after });
  return {
    kind: 'stream',
    status: 200,
    headers: receipt === undefined ? {} : { 'signet-receipt': receipt, location: `/api/v1/runs/${id}` },
    events: runPieces(events, reportStream(services, call)),
  };
}

function eventId(text: string): number {
  const id = /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  if (id !== undefined) return id;
  throw new SignetError({ code: 'invalid_request', detail: 'expected the number of an event', param: 'last-event-id' });
}
