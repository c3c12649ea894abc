import { connect } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import type { JsonObject } from '@signet/functions/domain/json.ts';
import type { NodeStatus } from '@signet/functions/domain/node/status.ts';
import type { DigestCompute, VerifyCompute } from '@signet/functions/domain/ports/compute.ts';
import { verifyReceipt } from '@signet/functions/domain/verify/verify-receipt.ts';
import { escaped } from '../terminal.ts';
import type { Finding } from './finding.ts';

interface Examined {
  readonly url: string;
  readonly key: string | undefined;
  /** Where key and pinned nodes were looked for. */
  readonly home: string;
  readonly pinned: readonly string[];
  /** The genesis kept in the home, for a stage that began here. */
  readonly genesis_text: string | undefined;
  readonly verify: VerifyCompute;
  readonly digest: DigestCompute;
  readonly now: () => number;
}

const patience_ms = 60_000;
/** Delegations begin this long before they are made: within it no receipt seems to come from the future. */
const skew_s_warn = 30;
const skew_s_fail = 300;
const certificate_days_warn = 14;

/**
 * Looks at a node from outside. Each finding says what was expected, what came and what to do; one that nothing can be
 * said about because an earlier one failed is left out. A key never travels unencrypted to another machine.
 */
export async function examineUrl(examined: Examined): Promise<readonly Finding[]> {
  const { reachable, skew_s } = await health(examined);
  const transport = await transportOf(examined.url, reachable.state === 'ok');
  const first = [reachable, transport, ...(skew_s === undefined ? [] : [clock(skew_s)])];
  if (reachable.state === 'fail' || transport.state === 'fail') return first;
  if (examined.key === undefined) {
    const detail = `no owner.key in ${examined.home}`;
    return [...first, { name: 'key', state: 'fail', detail, advice: 'give --key, or --home of the stage' }];
  }
  const { key, status } = await askStatus(examined, examined.key);
  if (status === undefined) return [...first, key];
  return [
    ...first,
    key,
    identity(examined, status.node_id),
    ...(await receipt(examined, { key: examined.key, node_id: status.node_id })),
    ...compute(status),
  ];
}

async function health(examined: Examined): Promise<{ reachable: Finding; skew_s?: number }> {
  const before = examined.now();
  const answer = await ask(examined, '/api/v1/health');
  if (answer instanceof Error) {
    const advice = 'look at the address, and at the stack: `npm run deploy` says it at its end';
    return { reachable: { name: 'reachable', state: 'fail', detail: reasonOf(answer), advice } };
  }
  const middle = (before + examined.now()) / 2;
  const date = Date.parse(answer.headers.get('date') ?? '');
  const skew = Number.isNaN(date) ? {} : { skew_s: Math.round((date - middle) / 1000) };
  const body = await jsonOf(answer);
  const { status, version } = body;
  if (answer.status === 200 && typeof status === 'string' && typeof version === 'string') {
    return {
      reachable: { name: 'reachable', state: 'ok', detail: `${escaped(status)}, version ${escaped(version)}` },
      ...skew,
    };
  }
  const detail = `expected 200 with a version from /api/v1/health, got ${answer.status} ${described(body)}`;
  const advice = 'is the address whole, stage path included? its functions log why they do not start';
  return { reachable: { name: 'reachable', state: 'fail', detail, advice }, ...skew };
}

async function transportOf(url: string, is_reachable: boolean): Promise<Finding> {
  const { protocol, hostname, port } = new URL(url);
  if (protocol === 'http:') {
    const is_own = ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
    return is_own
      ? { name: 'TLS', state: 'ok', detail: 'none, within this machine' }
      : {
          name: 'TLS',
          state: 'fail',
          detail: 'expected https, got http to another machine; the key was not sent',
          advice: 'use the https address',
        };
  }
  const name = 'TLS';
  if (!is_reachable) return { name, state: 'warn', detail: 'not looked at: nothing answers as expected' };
  const ends = await certificateEnd({ hostname, port: Number(port || 443) });
  if (ends === undefined) return { name, state: 'ok', detail: 'its certificate is accepted' };
  const days = Math.floor((ends - Date.now()) / 86_400_000);
  const detail = `its certificate is accepted and ends in ${days} days`;
  if (days >= certificate_days_warn) return { name, state: 'ok', detail };
  return { name, state: 'warn', detail, advice: 'see that it is renewed' };
}

/** Unix milliseconds; undefined when the peer does not say. That the certificate holds, `fetch` has found. */
function certificateEnd({ hostname, port }: { hostname: string; port: number }): Promise<number | undefined> {
  const host = hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    const socket = connect({ host, port, servername: /^[\d.]+$|:/.test(host) ? '' : host, timeout: 10_000 });
    const end = (value: number | undefined) => {
      socket.destroy();
      resolve(value);
    };
    socket.once('secureConnect', () => end(Date.parse(socket.getPeerCertificate().valid_to) || undefined));
    for (const event of ['error', 'timeout'] as const) socket.once(event, () => end(undefined));
  });
}

function clock(skew_s: number): Finding {
  const name = 'clock';
  const detail = `${Math.abs(skew_s)} s ${skew_s < 0 ? 'behind' : 'ahead of'} this machine's`;
  if (Math.abs(skew_s) <= skew_s_warn) return { name, state: 'ok', detail };
  const advice = "set this machine's clock (NTP): signatures are valid within times";
  return { name, state: Math.abs(skew_s) > skew_s_fail ? 'fail' : 'warn', detail, advice };
}

async function askStatus(examined: Examined, key: string): Promise<{ key: Finding; status?: NodeStatus }> {
  const answer = await ask(examined, '/api/v1/status', { key });
  if (answer instanceof Error) return { key: { name: 'key', state: 'fail', detail: reasonOf(answer) } };
  const body = await jsonOf(answer);
  if (answer.status === 200 && typeof body['node_id'] === 'string') {
    return { key: { name: 'key', state: 'ok', detail: 'accepted' }, status: body as unknown as NodeStatus };
  }
  const detail = `expected 200 from /api/v1/status, got ${answer.status} ${described(body)}`;
  const advice =
    answer.status === 401
      ? `the key is not this node's: give the owner's by --key, or --home of the stage`
      : 'a key with the scope `node:read` may ask';
  return { key: { name: 'key', state: 'fail', detail, advice } };
}

function identity({ pinned, home, url }: Examined, node_id: string): Finding {
  const name = 'identity';
  if (pinned.includes(node_id)) return { name, state: 'ok', detail: `${node_id}, as pinned` };
  if (pinned.length === 0) {
    const advice = `if this is the node you mean, pin it: signet trust pin ${url}`;
    return { name, state: 'warn', detail: `${escaped(node_id)}; no node is pinned in ${home}`, advice };
  }
  const detail = `expected ${pinned.join(' or ')}, got ${escaped(node_id)}`;
  return { name, state: 'fail', detail, advice: 'this is another node: do not trust its receipts as yours' };
}

/** One decision is asked for, and its receipt is judged by nothing but its bytes and what is pinned. */
async function receipt(
  examined: Examined,
  { key, node_id }: { key: string; node_id: string },
): Promise<readonly Finding[]> {
  const name = 'receipt';
  const body = { model: 'signet-edge-1', messages: [{ role: 'user', content: 'Are you well?' }], max_tokens: 16 };
  const answer = await ask(examined, '/v1/chat/completions', { key, body });
  if (answer instanceof Error) return [{ name, state: 'fail', detail: reasonOf(answer) }];
  const id = answer.headers.get('signet-receipt') ?? '';
  if (!/^[0-9a-f]{64}$/.test(id)) {
    const told = described(await jsonOf(answer));
    const detail = `expected a receipt for a chat, got ${answer.status} ${told} and none`;
    return [
      { name, state: 'fail', detail, advice: 'the scopes `chat` and `ledger:read` are needed; then see its log' },
    ];
  }
  const stored = await ask(examined, `/api/v1/receipts/${id}`, { key });
  if (stored instanceof Error || stored.status !== 200) {
    const detail = `expected receipt ${id}, got ${stored instanceof Error ? reasonOf(stored) : stored.status}`;
    return [{ name, state: 'fail', detail }];
  }
  const bytes = new Uint8Array(await stored.arrayBuffer());
  const { verify, digest, pinned } = examined;
  const verdict = await verifyReceipt({ bytes, verify, digest, trust: pinned.length > 0 ? pinned : [node_id] });
  if (!verdict.valid || verdict.exit !== 0 || verdict.receipt_id !== id) {
    const failed = verdict.checks.find(({ ok }) => !ok);
    const why = failed === undefined ? 'it is another receipt' : `${failed.code}: ${escaped(failed.detail)}`;
    return [{ name, state: 'fail', detail: `expected ${id} to verify offline, got ${why}` }];
  }
  const found: Finding = { name, state: 'ok', detail: `${id.slice(0, 16)}… verifies offline` };
  return [found, ...document(examined, bytes)];
}

/** Document 0 is the one that the stage began with, byte for byte in meaning; later ones follow by their chain. */
function document({ genesis_text }: Examined, receipt_bytes: Uint8Array): readonly Finding[] {
  if (genesis_text === undefined) return [];
  const name = 'genesis';
  const { node_document } = JSON.parse(genesis_text) as { node_document?: JsonObject };
  const shown = (JSON.parse(Buffer.from(receipt_bytes).toString()) as { document?: JsonObject }).document;
  if (shown?.['seq'] !== 0) return [{ name, state: 'ok', detail: 'followed by newer documents of the same root key' }];
  if (isDeepStrictEqual(shown, node_document)) return [{ name, state: 'ok', detail: 'the document that it shows' }];
  const detail = 'expected the node document of the genesis kept in the home, got another document 0';
  return [{ name, state: 'fail', detail, advice: 'deploy the genesis of this stage again' }];
}

function compute({ compute: capabilities }: NodeStatus): readonly Finding[] {
  return Object.entries(capabilities).map(([capability, state]) => {
    const name = capability;
    if (state.served_by !== 'unavailable') return { name, state: 'ok', detail: state.served_by };
    const reason = escaped(state.step ?? state.reason);
    const soon = state.ready_in_s === undefined ? '' : `; ready in about ${state.ready_in_s} s`;
    return { name, state: 'warn', detail: `unavailable: ${reason}${soon}`, advice: 'what needs it answers 503' };
  });
}

async function ask(
  { url }: Examined,
  path: string,
  { key, body }: { key?: string; body?: JsonObject } = {},
): Promise<Response | Error> {
  try {
    return await fetch(`${url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      redirect: 'manual',
      signal: AbortSignal.timeout(patience_ms),
      headers: {
        accept: 'application/json',
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    const { message, cause }: { message?: string; cause?: unknown } = Object(error);
    return new Error(message ?? String(error), { cause });
  }
}

async function jsonOf(answer: Response): Promise<JsonObject> {
  const value: unknown = await answer.json().catch(() => undefined);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

/** What an error body says, in one line: a problem of ours, OpenAI's form of it, or the platform's own message. */
function described(body: JsonObject): string {
  const { error } = body;
  const { code, detail, message } =
    typeof error === 'object' && error !== null && !Array.isArray(error) ? (error as JsonObject) : body;
  const texts = [code, detail, message].filter((text) => typeof text === 'string');
  return texts.length === 0 ? '(no JSON that says why)' : escaped(`(${texts.join(': ')})`.slice(0, 300));
}

function reasonOf(error: Error): string {
  const { code, message }: { code?: string; message?: string } = Object(error.cause);
  // OpenSSL's own text is a line of its sources.
  const is_no_tls = code === 'EPROTO' || code?.startsWith('ERR_SSL_') === true;
  const reason = is_no_tls ? `no TLS that can be understood (${code})` : message || code || error.message;
  return escaped(`expected an answer, got: ${reason}`);
}
