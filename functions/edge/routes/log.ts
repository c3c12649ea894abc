import { z } from '@hono/zod-openapi';
import { SignetError } from '../../domain/errors.ts';
import { jsonAnswer } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';

export const logEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/log/{path+}',
    summary:
      'The transparency log as static files (C2SP tlog-tiles): `checkpoint`, `tile/<level>/<index>`, `tile/entries/<index>`; `bundle` for `signet trust pin`',
    access: 'ledger:read',
    params: z.object({ path: z.string().max(128) }),
    answers: {
      200: { description: 'the file', type: 'application/octet-stream' },
      404: { description: 'the log has no such file' },
    },
    handle: async ({ services, call, params }) => {
      if (services.ledger === undefined) {
        throw new SignetError({ code: 'not_built', reason: 'feature.off', detail: 'nothing is sealed here yet' });
      }
      if (params.path === 'bundle') return jsonAnswer(services.ledger.bundle(), { 'cache-control': 'no-cache' });
      const isHidden = params.path.startsWith('tile/entries/') && call.principal.tenant !== ownersTenant;
      const file = isHidden ? undefined : await services.ledger.file(params.path);
      if (file === undefined) throw new SignetError({ code: 'not_found', detail: 'the log has no such file' });
      const { bytes, is_immutable } = file;
      return is_immutable
        ? {
            kind: 'bytes',
            status: 200,
            type: 'application/octet-stream',
            bytes,
            headers: { 'cache-control': immutable },
          }
        : {
            kind: 'bytes',
            status: 200,
            type: 'text/plain; charset=utf-8',
            bytes,
            headers: { 'cache-control': 'no-cache' },
          };
    },
  }),
];

/** Entries tell of every tenant's requests; another tenant has its receipts, and hashes of the rest. */
const ownersTenant = 'default';

/** Whoever fetched it may keep it; caches between must not, since they know of no scope. */
const immutable = 'private, max-age=31536000, immutable';
