import { startLocalServer } from '../hosts/local-server.ts';
import { makeApp } from '../edge/make-app.ts';
import { openNode, type OpenedNode, type OpenNodeRequest } from './open-node.ts';

/** A node that listens. */
export interface StartedNode {
  readonly url: string;
  readonly node: OpenedNode;
  /** Stops accepting, finishes what is in flight for up to five seconds, stores the rest as jobs, and lets the home go. */
  readonly stop: () => Promise<void>;
}

const drain_ms = 5000;

/**
 * Opens the home and serves it. Throws `HomeInUseError` when another process has the home, `SettingsError` for what is
 * configured wrongly, `ListenRefusedError` when the port is taken.
 */
export async function startNode(request: OpenNodeRequest): Promise<StartedNode> {
  const node = await openNode(request);
  try {
    const server = await startLocalServer({
      app: makeApp(node.services),
      host: request.settings.host,
      port: request.settings.port,
      allow_remote: request.settings.remote,
      sockets: node.services.sockets,
    });
    await node.lock.update({ host: request.settings.host, port: server.port, started_at: Date.now() });
    node.startWork();
    return {
      url: server.url,
      node,
      async stop() {
        await server.close({ drain_ms });
        await node.close();
      },
    };
  } catch (error) {
    await node.close();
    throw error;
  }
}
