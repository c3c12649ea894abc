import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import registry from '@signet/shared/records/errors.json' with { type: 'json' };
import type { Endpoint } from './endpoint.ts';

/**
 * OpenAPI 3.1 of the routes, from the schemas that validate. zod-openapi's registry writes the document; the routes
 * themselves do not run through it.
 */
export function openApiDocument(
  endpoints: readonly Endpoint[],
  /** `url`: where the API is, if its address has a path. */
  { version, url }: { version: string; url?: string | undefined },
): object {
  const book = new OpenAPIHono();
  book.openAPIRegistry.registerComponent('securitySchemes', 'api_key', {
    type: 'http',
    scheme: 'bearer',
    description: 'an API key, `sg_<id>_<secret>`',
  });
  book.openAPIRegistry.registerComponent('securitySchemes', 'run_token', {
    type: 'http',
    scheme: 'bearer',
    description: 'the token that a run got when it started; no API key works here',
  });
  for (const endpoint of endpoints) book.openAPIRegistry.registerPath(describe(endpoint));
  return book.getOpenAPI31Document({
    openapi: '3.1.0',
    ...(url === undefined ? {} : { servers: [{ url }] }),
    info: {
      title: 'Signet',
      version,
      description:
        'An agent backend that its user owns: chat with tools, sandboxed Python, vectors, and a signed receipt for every decision.',
      license: { name: 'MIT' },
    },
  });
}

const codes = registry.errors.map(({ code }) => code);
const code = z.enum(codes as [string, ...string[]]).openapi('ErrorCode');

const openAiErrorBody = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable(),
      code,
      reason: z.string().optional(),
    }),
  })
  .openapi('OpenAIError');

const problemBody = z
  .object({
    type: z.string().openapi({ example: 'urn:signet:problem:invalid_request' }),
    title: z.string(),
    status: z.number().int(),
    code,
    detail: z.string(),
    reason: z.string().optional(),
    legacy_code: z.number().int().optional().openapi({ description: 'number of the reason in an older node' }),
    param: z.string().optional(),
    step: z.string().optional(),
    request_id: z.string(),
    receipt: z.string().optional(),
  })
  .openapi('Problem');

function describe(endpoint: Endpoint): ReturnType<typeof createRoute> {
  const openai = endpoint.path.startsWith('/v1/');
  const responses: Record<string, { description: string; content?: Record<string, { schema: z.ZodType }> }> = {};
  for (const [status, { description, schema, type = 'application/json', streamed }] of Object.entries(
    endpoint.answers,
  )) {
    const content = {
      ...(schema === undefined ? {} : { [type]: { schema } }),
      ...(streamed === true ? { 'text/event-stream': { schema: z.string() } } : {}),
    };
    responses[status] = { description, ...(Object.keys(content).length === 0 ? {} : { content }) };
  }
  responses['default'] = {
    description: 'an error; `code` is one of the registry',
    content: openai
      ? { 'application/json': { schema: openAiErrorBody } }
      : { 'application/problem+json': { schema: problemBody } },
  };
  return createRoute({
    method: endpoint.method.toLowerCase() as 'get' | 'post' | 'put' | 'delete',
    path: endpoint.path.replace('+}', '}'),
    operationId: operationId(endpoint),
    summary: endpoint.summary,
    tags: [tagOf(endpoint.path)],
    ...securityOf(endpoint),
    request: {
      ...(endpoint.params === undefined ? {} : { params: endpoint.params }),
      ...(endpoint.query === undefined ? {} : { query: endpoint.query }),
      ...(endpoint.bytes === undefined
        ? {}
        : { body: { required: true, content: { 'text/plain': { schema: z.string() } } } }),
      ...(endpoint.body === undefined
        ? {}
        : {
            body: {
              required: endpoint.body.optional !== true,
              content: { 'application/json': { schema: endpoint.body.schema } },
            },
          }),
      ...(endpoint.idempotent === undefined
        ? {}
        : { headers: z.object({ 'idempotency-key': z.string().max(64).optional() }) }),
    },
    responses,
  });
}

/** `post_v1_chat_completions`: what a generator of clients names a function by. */
function operationId({ method, path }: Endpoint): string {
  const words = path.match(/[A-Za-z0-9]+/g) ?? ['root'];
  return [method.toLowerCase(), ...words].join('_');
}

function securityOf(endpoint: Endpoint): object {
  if (endpoint.access === 'open') return { security: [] };
  if (endpoint.access === 'run-token') return { security: [{ run_token: [] }] };
  return { security: [{ api_key: [endpoint.access] }] };
}

function tagOf(path: string): string {
  const [first, second, third] = path.split('/').filter((part) => part !== '');
  if (first === 'v1') return 'openai';
  return first === 'api' ? (third ?? second ?? 'node') : 'node';
}
