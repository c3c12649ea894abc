import { z } from '@hono/zod-openapi';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { ErrorCode } from '../../domain/errors.ts';
import { SignetError } from '../../domain/errors.ts';
import type { ToolErrorType, ToolOutcome } from '../../domain/tools/tools.ts';
import type { Answer } from '../answer.ts';
import { emptyAnswer, jsonAnswer, judgedAnswer } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';
import { anyJson, digestHex, jsonObject, toolName, unsupported } from '../schema-parts.ts';

const target = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('builtin'), name: z.string().min(1).max(64) }),
  z.strictObject({ kind: z.literal('script'), digest: digestHex, tool: z.string().min(1).max(64) }),
  z.object({ kind: z.enum(['http', 'lambda', 'mcp']) }).catchall(anyJson),
]);

const manifestFields = {
  description: z.string().min(1).max(4096),
  version: z.string().min(1).max(64).default('1'),
  parameters: jsonObject.openapi({ description: 'JSON Schema 2020-12 of the arguments' }),
  output_schema: jsonObject.optional(),
  side_effects: z.enum(['none', 'compute', 'read', 'network', 'write', 'filesystem', 'database', 'system']),
  timeout_ms: z.number().int().min(1).max(limits.chat.tool_ms_max).default(limits.chat.tool_ms_max),
  idempotent: z.boolean().default(false),
  allow_parallel: z.boolean().default(false),
  target,
};

const manifest = z.object({ name: toolName, ...manifestFields }).openapi('ToolManifest');
const params = z.object({ name: toolName });
const decides = { action: 'manageTools', resource: 'Tool' } as const;

export const toolEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/api/v1/tools',
    summary: 'The registry: built-in and own tools',
    access: 'tools:read',
    answers: { 200: { description: 'the tools', schema: z.object({ tools: z.array(manifest) }) } },
    handle: async ({ services, call }) => jsonAnswer({ tools: await services.tools.list(call) }),
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/tools/{name}',
    summary: 'One tool',
    access: 'tools:read',
    params,
    answers: { 200: { description: 'its manifest', schema: manifest } },
    handle: async ({ services, call, params: { name } }) => jsonAnswer(await services.tools.get(call, name)),
  }),
  endpoint({
    method: 'PUT',
    path: '/api/v1/tools/{name}',
    summary: 'Creates or replaces a tool',
    access: 'tools:write',
    decides,
    idempotent: 'stored',
    params,
    body: {
      class: 'other',
      schema: z.strictObject({
        name: toolName.optional(),
        ...manifestFields,
        approval: unsupported('approvals are not built yet', 'policy'),
        auth: unsupported('tool secrets are not built yet', null),
        safety: unsupported('`side_effects` decides'),
        cost_nanousd: unsupported('tool prices are not built yet', 0),
      }),
    },
    answers: { 200: { description: 'the manifest as stored', schema: manifest } },
    handle: async ({ services, call, params: { name }, body }) => {
      if (body.name !== undefined && body.name !== name) {
        throw new SignetError({ code: 'invalid_request', detail: "expected the path's name, or none", param: 'name' });
      }
      const { approval: _approval, auth: _auth, safety: _safety, cost_nanousd: _cost, ...fields } = body;
      const put = await services.tools.put(call, { ...fields, name });
      return judgedAnswer(put, put.value);
    },
  }),
  endpoint({
    method: 'DELETE',
    path: '/api/v1/tools/{name}',
    summary: 'Removes a tool',
    access: 'tools:write',
    decides,
    idempotent: 'stored',
    params,
    answers: { 204: { description: 'removed' } },
    handle: async ({ services, call, params: { name } }) => {
      const deleted = await services.tools.delete(call, name);
      return emptyAnswer({ 'signet-receipt': deleted.receipt });
    },
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/tools/{name}/invoke',
    summary: 'Calls a tool',
    access: 'tools:call',
    decides: { action: 'callTool', resource: 'Tool' },
    idempotent: 'stored',
    params,
    body: {
      class: 'other',
      schema: z.strictObject({
        arguments: jsonObject.default({}),
        deadline_ms: z.number().int().min(1).max(limits.chat.tools_ms_max).optional(),
      }),
    },
    answers: {
      200: {
        description: 'its value, or the error that its own code raised',
        schema: z.union([
          z.object({ value: anyJson, truncated: z.boolean(), receipt: z.string() }),
          z.object({ error: z.object({ type: z.string(), message: z.string() }), receipt: z.string().optional() }),
        ]),
      },
    },
    handle: async ({ services, call, params: { name }, body, header }) => {
      const idempotency_key = header('idempotency-key');
      const outcome = await services.tools.invoke(call, {
        name,
        arguments_json: JSON.stringify(body.arguments),
        ...(idempotency_key === undefined ? {} : { idempotency_key }),
        ...(body.deadline_ms === undefined ? {} : { deadline_ms: body.deadline_ms }),
      });
      return outcomeAnswer(outcome);
    },
  }),
];

/**
 * What a model would read as a tool message, a caller gets as a status where one fits. A tool that ran and raised is
 * answered like a script that ran and raised: the call itself succeeded, and its result is the error.
 */
function outcomeAnswer(outcome: ToolOutcome): Answer {
  if (outcome.kind === 'result') {
    const { value, truncated, receipt } = outcome;
    return judgedAnswer(outcome, { value, truncated, receipt });
  }
  const { error, receipt } = outcome;
  const code = codes[error.type];
  if (code !== undefined) {
    const refusal = new SignetError({ code, reason: `tool.${error.type}`, detail: error.message });
    if (receipt !== undefined) refusal.receipt = receipt;
    throw refusal;
  }
  return receipt === undefined ? jsonAnswer({ error }) : judgedAnswer({ receipt }, { error, receipt });
}

const codes: { readonly [type in ToolErrorType]: ErrorCode | undefined } = {
  tool_not_found: 'tool_not_found',
  invalid_arguments: 'invalid_request',
  policy_denied: 'policy_denied',
  timeout: 'tool_timeout',
  output_invalid: 'output_invalid',
  execution_error: undefined,
  limit_exceeded: undefined,
};
