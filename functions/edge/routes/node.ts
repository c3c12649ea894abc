import { z } from '@hono/zod-openapi';
import type { Answer } from '../answer.ts';
import { jsonAnswer } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';
import { jsonObject } from '../schema-parts.ts';
import type { Entrance, Services } from '../services.ts';

const check = z.object({ name: z.string(), state: z.enum(['ok', 'failed']), ms: z.number().int() });

const health = z
  .object({
    status: z.enum(['healthy', 'degraded', 'unhealthy']),
    version: z.string(),
    build: z.record(z.string(), z.string()).optional(),
    checks: z.array(check).optional(),
    checked_at: z.number().int().optional(),
  })
  .openapi('Health');

const capability = z.object({ served_by: z.string(), reason: z.string().optional() }).loose();

const status = z
  .object({
    node_id: z.string(),
    version: z.string(),
    uptime_secs: z.number().int(),
    uptime_seconds: z.number().int(),
    total_requests: z.number().int(),
    identity_initialized: z.boolean(),
    inference_ready: z.boolean(),
    federation_connected: z.boolean(),
    con: z.string(),
    constitution_version: z.number().int(),
    ledger: z
      .object({
        pending: z.number().int(),
        size: z.number().int().optional(),
        root: z.string().optional(),
        checkpoint_age_s: z.number().optional(),
      })
      .loose(),
    compute: z.record(z.string(), capability),
    providers: z.array(jsonObject),
    sandbox: jsonObject,
  })
  .openapi('NodeStatus');

export const nodeEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/',
    summary: 'What runs here and how to begin',
    access: 'open',
    answers: { 200: { description: 'text, JSON or HTML, as `accept` asks' } },
    handle: ({ services, header, origin }) => Promise.resolve(welcome(services, origin(), header('accept') ?? '')),
  }),
  endpoint({
    method: 'GET',
    path: '/healthz',
    summary: 'Alive',
    access: 'open',
    answers: { 200: { description: 'the process answers' } },
    handle: () =>
      Promise.resolve({ kind: 'text', status: 200, type: 'text/plain; charset=utf-8', body: 'ok\n', headers: noStore }),
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/health',
    summary: 'Status and version; with `node:read` also what runs here and each check of the last ten seconds',
    access: 'open',
    reveals: 'node:read',
    answers: {
      200: { description: 'healthy or degraded', schema: health },
      503: { description: 'unhealthy', schema: health },
    },
    handle: async ({ services, call }) => {
      const { status, version, checks, checked_at } = await services.health();
      const isTold = call.principal.scopes.includes('node:read');
      const more = isTold ? { build: services.build, checks, checked_at } : {};
      return jsonAnswer({ status, version, ...more }, noStore, status === 'unhealthy' ? 503 : 200);
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/status',
    summary: 'What serves which capability, measured now',
    access: 'node:read',
    answers: { 200: { description: 'the node', schema: status } },
    handle: async ({ services, call }) => jsonAnswer(await services.status(call)),
  }),
];

const noStore = { 'cache-control': 'no-store' };

/** For a shell in the folder where the node was started, or deployed from, which is where its home is unless it was told otherwise. */
function commandsFor({ url, home }: Entrance, run_flags: string): readonly string[] {
  const key = `-H "authorization: Bearer $(cat ${home}/owner.key)"`;
  const chat = '{"model":"auto","messages":[{"role":"user","content":"hello"}]}';
  return [
    `curl -s ${url}/v1/models ${key}`,
    `curl -s ${url}/v1/chat/completions ${key} -H 'content-type: application/json' -d '${chat}'`,
    `npx signet run examples/soma.py${run_flags}`,
  ];
}

const about = 'Signet: an agent backend that its user owns. Every decision leaves a signed receipt.';

/** Nothing here depends on the node's data: it is shown to strangers. */
function welcome(
  { version, entrance }: Pick<Services, 'version' | 'entrance'>,
  origin: string,
  accept: string,
): Answer {
  const commands =
    entrance === undefined
      ? commandsFor({ url: origin, home: '.signet' }, '')
      : commandsFor(entrance, ` --url ${entrance.url} --home ${entrance.home}`);
  const routes = `${entrance?.url ?? ''}/openapi.json`;
  if (accept.includes('text/html')) {
    const lines = commands.map((command) => `<pre>${escapeHtml(command)}</pre>`).join('');
    const link = `<a href="${escapeHtml(routes)}">/openapi.json</a>`;
    const body = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Signet</title><h1>Signet ${escapeHtml(version)}</h1><p>${about}</p><p>Routes: ${link}</p>${lines}</html>\n`;
    return { kind: 'text', status: 200, type: 'text/html; charset=utf-8', body, headers: pageHeaders };
  }
  if (accept.includes('application/json')) {
    return jsonAnswer({ name: 'signet', version, about, routes, try: commands }, noStore);
  }
  const body = `Signet ${version}\n${about}\n\nRoutes: ${routes}\n\nTry:\n${commands.map((command) => `  ${command}\n`).join('')}`;
  return { kind: 'text', status: 200, type: 'text/plain; charset=utf-8', body, headers: noStore };
}

const pageHeaders = {
  ...noStore,
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
};

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
