import { hostileCases } from '../hostile-cases.ts';
import { openStage } from './open-stage.ts';
import { request_bytes_max } from './wire.ts';

/** The built `serve-api` behind a gateway: what reaches the edge through an event, and what of its answers gets out. */
hostileCases(
  async () => {
    const { url, owner_token, server, stop } = await openStage({
      emulator_url: process.env['SIGNET_EMULATOR_URL'] ?? '',
    });
    return { url, owner_key: owner_token, output: () => server.logs('serve-api'), stop };
  },
  {
    // A body travels as base64 in one payload, beside its headers.
    carried_bytes_max: Math.floor(((request_bytes_max - 4_096) * 3) / 4),
    // Nobody runs the scripts here, and a synchronous run would wait for that.
    more_of_bodies: { 'POST /api/v1/runs': { mode: 'async' } },
  },
);
