import type { Endpoint } from '../endpoint.ts';
import { apiKeyEndpoints } from './api-keys.ts';
import { chatEndpoints } from './chat.ts';
import { embeddingEndpoints } from './embeddings.ts';
import { envelopeEndpoints } from './envelopes.ts';
import { eventEndpoints } from './events.ts';
import { federationEndpoints } from './federation.ts';
import { frameEndpoints } from './frames.ts';
import { inferenceEndpoints } from './inference.ts';
import { metricsEndpoints } from './metrics.ts';
import { identityEndpoints } from './identity.ts';
import { logEndpoints } from './log.ts';
import { gateEndpoints } from './gates.ts';
import { modelEndpoints } from './models.ts';
import { nodeEndpoints } from './node.ts';
import { notBuiltEndpoints } from './not-built.ts';
import { openApiEndpoint } from './open-api.ts';
import { receiptEndpoints } from './receipts.ts';
import { runEndpoints } from './runs.ts';
import { scriptEndpoints } from './scripts.ts';
import { socketEndpoints } from './socket.ts';
import { toolEndpoints } from './tools.ts';
import { vectorOpsEndpoints } from './vector-ops.ts';
import { vectorEndpoints } from './vectors.ts';
import { witnessEndpoints } from './witness.ts';

const built: readonly Endpoint[] = [
  ...nodeEndpoints,
  ...metricsEndpoints,
  ...federationEndpoints,
  ...eventEndpoints,
  ...socketEndpoints,
  ...modelEndpoints,
  ...chatEndpoints,
  ...inferenceEndpoints,
  ...embeddingEndpoints,
  ...toolEndpoints,
  ...scriptEndpoints,
  ...runEndpoints,
  ...vectorEndpoints,
  ...vectorOpsEndpoints,
  ...apiKeyEndpoints,
  ...identityEndpoints,
  ...envelopeEndpoints,
  ...receiptEndpoints,
  ...gateEndpoints,
  ...logEndpoints,
  ...witnessEndpoints,
];

/** Every route of this build. What is not built yet is there too, so that it answers 501 and not 404. */
export const endpoints: readonly Endpoint[] = [
  ...built,
  openApiEndpoint(built),
  // Between machines of one deployment, and free to change with it: the document is for clients.
  ...frameEndpoints,
  ...notBuiltEndpoints,
];
