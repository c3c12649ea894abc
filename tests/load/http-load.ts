import { Agent, request } from 'node:http';

/** A request that is sent again and again over kept-alive connections. */
export interface Target {
  readonly url: string;
  readonly key: string;
  readonly body: string;
}

/** Milliseconds from the first byte sent. */
export interface Timing {
  /** To the first piece that carries text of the answer; of a plain answer to its body. */
  readonly first_ms: number;
  /** To the last byte. */
  readonly whole_ms: number;
}

/** Timings of each request while `concurrency` of them are under way for `seconds`. */
export async function load(target: Target, concurrency: number, seconds: number): Promise<Timing[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const timings: Timing[] = [];
  const end = performance.now() + seconds * 1000;
  const worker = async () => {
    while (performance.now() < end) timings.push(await once(target, agent));
  };
  try {
    await Promise.all(Array.from({ length: concurrency }, worker));
  } finally {
    agent.destroy();
  }
  return timings;
}

/** A streamed answer opens with a piece that names the role alone: the first token is what comes after. */
const firstText = /"content": ?"[^"]/;

/** One request to its last byte. Anything but 200 is an error. */
function once(target: Target, agent: Agent): Promise<Timing> {
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
        let first_ms: number | undefined;
        answer.setEncoding('utf8').on('data', (piece: string) => {
          text += piece;
          if (first_ms === undefined && firstText.test(text)) first_ms = performance.now() - started;
        });
        answer.on('error', reject);
        answer.on('end', () => {
          const whole_ms = performance.now() - started;
          if (answer.statusCode === 200 && first_ms !== undefined) resolve({ first_ms, whole_ms });
          else reject(new Error(`${target.url}: ${answer.statusCode} ${text.slice(0, 300)}`));
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(target.body);
  });
}
