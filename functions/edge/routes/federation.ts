import { z } from '@hono/zod-openapi';
import { jsonAnswer } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';
import { pageOf } from '../page-of.ts';
import { wholeNumber } from '../schema-parts.ts';

const peerState = z.enum(['alive', 'suspect', 'dead', 'unknown']);

const peer = z.object({
  node_id: z.string(),
  address: z.string(),
  state: peerState,
  last_seen: z.number().int().optional(),
  incarnation: z.number().int().optional(),
  role: z.enum(['witness', 'peer']),
});

const status = z
  .object({
    connected: z.boolean(),
    node_id: z.string(),
    peer_count: z.number().int(),
    gossip_round: z.number().int(),
    consensus_height: z.number().int(),
    pattern_count: z.number().int(),
    peers: z.number().int(),
    witnesses: z.array(z.object({ name: z.string(), last_cosigned: z.number().int().optional() })),
  })
  .openapi('FederationStatus');

/** What is stored of other nodes. Nothing is invented: without a federation the counters are 0 and nobody is connected. */
export const federationEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/api/v1/federation/status',
    summary: 'Whether this node is joined to others, and which witnesses it has',
    access: 'fed:read',
    answers: { 200: { description: 'the status', schema: status } },
    handle: async ({ services }) => jsonAnswer(await services.federation.status()),
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/federation/peers',
    summary: 'Configured witnesses, and nodes that this one was told of',
    access: 'fed:read',
    query: z.strictObject({
      state: peerState.optional(),
      limit: wholeNumber(1, 500).optional(),
      cursor: z.string().min(1).max(1024).optional(),
    }),
    answers: {
      200: { description: 'a page', schema: z.object({ peers: z.array(peer), cursor: z.string().optional() }) },
    },
    handle: async ({ services, query }) => {
      const { state, limit = 100, cursor } = query;
      const all = (await services.federation.peers()).filter((one) => state === undefined || one.state === state);
      const { items, next } = pageOf(all, { name: ({ node_id }) => node_id, limit, cursor });
      return jsonAnswer({ peers: items, ...(next === undefined ? {} : { cursor: next }) });
    },
  }),
];
