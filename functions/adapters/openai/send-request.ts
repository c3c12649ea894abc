import { request as requestHttp, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface OutgoingRequest {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A request that is under way. */
export interface Exchange {
  /** Resolves with the head of the answer, whatever its status; redirects are not followed. */
  readonly response: Promise<IncomingMessage>;
  /** Ends it where it stands: what still waits for it, its body included, fails with `reason`. */
  cancel(reason: Error): void;
  /** Gives the connection back when the whole answer has come, ends it otherwise. */
  close(): void;
}

/**
 * One HTTP request over the kept-alive connections of the process. Node's own client and not `fetch`: the web streams and
 * abort signals of the latter were more than a third of what a whole chat costs (docs/decisions/0090).
 */
export function sendRequest({ url, method, headers, body }: OutgoingRequest): Exchange {
  const send = url.startsWith('https:') ? requestHttps : requestHttp;
  let answered: IncomingMessage | undefined;
  let outgoing: ClientRequest | undefined;

  const response = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing = send(url, { method, headers: { ...headers, 'user-agent': 'signet', 'accept-encoding': 'identity' } });
    outgoing.on('response', (incoming) => {
      answered = incoming;
      // Whoever reads the body sees its failure there; where nobody does, it must not end the process.
      incoming.on('error', () => undefined);
      resolve(incoming);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });

  return {
    response,
    cancel(reason) {
      if (answered === undefined) outgoing?.destroy(reason);
      else answered.destroy(reason);
    },
    close() {
      if (answered?.complete === true) answered.resume();
      else if (answered === undefined) outgoing?.destroy();
      else answered.destroy();
    },
  };
}
