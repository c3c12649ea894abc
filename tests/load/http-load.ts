import { Agent, request } from 'node:http';

/** A request that is sent again and again over kept-alive connections. */
export interface Target {
  readonly url: string;
  readonly key: string;
  readonly body: string;
}

/** One request to its last byte; milliseconds. Anything but 200 is an error. */
export function once(target: Target, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const outgoing = request(
      target.url,
      {
        method: 'POST',
        agent,
        headers: {
          authorization: `Bearer ${target.key}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(target.body),
        },
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        answer.on('end', () => {
          if (answer.statusCode === 200) resolve(performance.now() - started);
          else reject(new Error(`${target.url}: ${answer.statusCode} ${text.slice(0, 300)}`));
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(target.body);
  });
}

/** Milliseconds of each request while `concurrency` of them are under way for `seconds`. */
export async function load(target: Target, concurrency: number, seconds: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  const worker = async () => {
    while (performance.now() < end) times.push(await once(target, agent));
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  agent.destroy();
  return times;
}
