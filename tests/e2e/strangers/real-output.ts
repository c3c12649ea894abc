import { waitFor, type RunningNode } from '../running-node.ts';
import { makeVisitor } from '../visitor.ts';

/** What a node left behind while somebody used it. */
export interface RealOutput {
  /** Ids of receipts in the log, by what left them. */
  readonly receipts: Readonly<Record<'chat' | 'refusal' | 'run' | 'envelope' | 'identity', string>>;
  /** Envelopes that answers carried, as their JSON text, by what they hold. */
  readonly envelopes: Readonly<Record<'message' | 'text', string>>;
  readonly node_id: string;
}

/** More entries than one tile holds, so that the log has full ones, and a second level. */
const chats = 260;

export async function makeRealOutput(node: RunningNode): Promise<RealOutput> {
  const visitor = makeVisitor({ url: node.url, key: node.owner_key, home: node.home });
  const receiptOf = (answer: Response): string => String(answer.headers.get('signet-receipt'));
  const chat = { model: 'signet-edge-1', messages: [{ role: 'user', content: 'hello' }] };

  const identity = await visitor.request('POST', '/api/v1/identity/generate', { label: 'a stranger reads this' });
  const { key_id } = (await identity.json()) as { key_id: string };
  const { node_id } = (await visitor.json('GET', '/api/v1/status')) as { node_id: string };
  const message = await visitor.request('POST', '/api/v1/pci/envelope/create', { payload: { seen: ['é', 1, null] } });
  const text = (await visitor.json('POST', '/api/v1/identity/sign', { message: 'olá', key_id })) as Carried;
  const { token } = (await visitor.json('POST', '/api/v1/api-keys', { label: 'r', scopes: ['models:read'] })) as {
    token: string;
  };
  const refused = await visitor.request('POST', '/v1/chat/completions', chat, token);
  const ran = await waitFor('scripts to run', async () => {
    const run = (await visitor.json('POST', '/api/v1/runs', { script: 'print(6 * 7)' })) as { receipts: string[] };
    return run.receipts.at(-1);
  });
  const answers: Response[] = [];
  for (let sent = 0; sent < chats; sent += 20) {
    const asked = Array.from({ length: 20 }, () =>
      patiently(() => visitor.request('POST', '/v1/chat/completions', chat)),
    );
    answers.push(...(await Promise.all(asked)));
  }
  const receipts = {
    chat: receiptOf(answers[chats / 2] as Response),
    refusal: receiptOf(refused),
    run: ran,
    envelope: receiptOf(message),
    identity: receiptOf(identity),
  };
  for (const id of [...Object.values(receipts), receiptOf(answers.at(-1) as Response)]) {
    await waitFor(`the log to have ${id}`, async () => {
      const { status } = await visitor.request('GET', `/api/v1/receipts/${id}`);
      return status === 200 ? true : undefined;
    });
  }
  const made = (await message.json()) as Carried;
  return {
    receipts,
    envelopes: { message: JSON.stringify(made.envelope), text: JSON.stringify(text.envelope) },
    node_id,
  };
}

/** Again where a key asked too fast. */
function patiently(ask: () => Promise<Response>): Promise<Response> {
  return waitFor('the rate to allow it', async () => {
    const answer = await ask();
    return answer.status === 429 ? undefined : answer;
  });
}

interface Carried {
  readonly envelope: unknown;
}
