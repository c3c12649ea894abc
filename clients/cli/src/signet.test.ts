import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openTestNode, testCall } from '../../../tests/fixtures/open-test-node.ts';

const cli = dirname(dirname(fileURLToPath(import.meta.url)));
const binary = join(cli, 'bin', 'signet.mjs');

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-cli-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The real program, with nothing of the caller's environment but the path. */
function signet(
  args: readonly string[],
  { stdin = '', environment = {} }: { stdin?: string; environment?: Record<string, string> } = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [binary, ...args],
      { env: { PATH: process.env['PATH'], SIGNET_HOME: home, ...environment }, cwd: home },
      (error, stdout, stderr) => resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
    child.stdin?.end(stdin);
  });
}

describe('help', () => {
  test.each([
    [],
    ['serve'],
    ['run'],
    ['verify'],
    ['status'],
    ['models'],
    ['models', 'pull'],
    ['identity'],
    ['identity', 'show'],
    ['identity', 'rotate'],
    ['identity', 'revoke'],
    ['constitution'],
    ['constitution', 'draft'],
    ['constitution', 'adopt'],
    ['doctor'],
    ['init'],
    ['deploy'],
    ['destroy'],
  ])('teaches by example: %s %s', async (...path) => {
    const { code, stdout, stderr } = await signet([...path, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/Examples?:\n[\s\S]*^ {2}signet /m);
    expect(stdout).not.toContain('\u001b[');
  });

  test('the version is that of the package', async () => {
    const { version } = JSON.parse(await readFile(join(cli, 'package.json'), 'utf8')) as { version: string };
    expect(await signet(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });
});

describe('usage errors exit with 2 and say what was expected', () => {
  test.each<[string, string[], RegExp]>([
    ['an unknown command, with a suggestion', ['rnu'], /unknown command 'rnu'[\s\S]*Did you mean run/],
    ['an unknown option, with a suggestion', ['run', 'x.py', '--tmeout', '3'], /--tmeout[\s\S]*Did you mean --timeout/],
    ['a missing argument', ['run'], /missing required argument 'file'/],
    ['a file that is not there', ['run', 'nothing.py'], /expected a script in `nothing.py`: there is no such file/],
    ['a folder as script', ['run', '.'], /it is a folder/],
    ['a time that is none', ['run', 'x.py', '--timeout', 'long'], /expected 0.001 to 840 seconds/],
    ['more memory than there is', ['run', 'x.py', '--memory', '4096'], /expected 1 to 1024 MB/],
    ['an address that is none', ['status', '--url', 'nowhere'], /expected an address/],
    ['an address with a password', ['status', '--url', 'https://me:x@node.example'], /without a name and password/],
    ['a receipt that is not there', ['verify', 'nothing.json'], /expected a file at `nothing.json`/],
    ['a model that is not known', ['models', 'pull', 'gpt'], /expected one of all-MiniLM-L6-v2/],
    ['a node id that is none', ['verify', '-', '--node', 'me'], /expected --node did:key/],
    ['a stage without a name', ['init'], /required option '--stage <name>' not specified/],
    ['a stage that is none', ['init', '--stage', 'My Stage'], /expected 1 to 20 characters `a-z 0-9 -`/],
    ['a deploy without a stage', ['deploy'], /required option '--stage <name>' not specified/],
    ['an option that destroy does not have', ['destroy', '--stage', 'dev', '--frce'], /--frce/],
    ['outputs that are not there', ['init', '--stage', 'dev', '--outputs', 'no.json'], /expected outputs in no.json/],
    ['a key that is no ARN', ['init', '--stage', 'dev', '--issuer-key', 'x'], /expected the ARN of a key in KMS/],
    ['no command', [], /Usage: signet/],
  ])('%s', async (_what, args, message) => {
    const { code, stdout, stderr } = await signet(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test('input that is not JSON, and stdin wanted twice', async () => {
    await writeFile(join(home, 'x.py'), 'pass');
    const wrong = await signet(['run', 'x.py', '--input', 'text']);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('expected JSON in --input');
    expect((await signet(['run', '-', '--input', '-'])).code).toBe(2);
  });
});

describe('without a node', () => {
  test('status and an asynchronous run say what to do', async () => {
    await writeFile(join(home, 'x.py'), 'pass');
    for (const args of [['status'], ['run', 'x.py', '--async']]) {
      const { code, stderr } = await signet(args);
      expect(code).toBe(1);
      expect(stderr).toContain('`signet serve` starts one');
    }
    const refused = await signet(['status', '--url', 'http://127.0.0.1:9', '--key', 'k']);
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toContain('expected a node at http://127.0.0.1:9');
  });

  test('models list and check answer from what is installed', async () => {
    const { code, stdout } = await signet(['models', 'list', '--json']);
    expect(code).toBe(0);
    const { models } = JSON.parse(stdout) as { models: { id: string; default: boolean }[] };
    expect(models).toContainEqual(expect.objectContaining({ id: 'all-MiniLM-L6-v2', default: true, dimension: 384 }));
    const check = await signet(['models', 'check', '--json']);
    const is_installed = (JSON.parse(stdout) as { models: { installed: boolean }[] }).models.some((m) => m.installed);
    expect(check.code).toBe(is_installed ? 0 : 1);
    if (is_installed) expect(JSON.parse(check.stdout)).toMatchObject({ vectors: { kind: 'agrees' } });
    else expect(check.stderr).toContain('expected an installed model');
    // Three thousand embeddings, where a model is installed.
  }, 600_000);
});

describe('a home that does not open', () => {
  test('names the file and what to do, without a word of an error of ours', async () => {
    await writeFile(join(home, 'x.py'), 'pass');
    await signet(['run', 'x.py']); // makes the home, whether or not scripts can run yet
    const folder = join(home, 'identities');
    const [key] = (await readdir(folder)).filter((name) => name.endsWith('.pem'));
    await chmod(join(folder, key ?? ''), 0o644);
    for (const args of [
      ['serve', '--port', '0'],
      ['run', 'x.py'],
    ]) {
      const { code, stderr } = await signet(args);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^signet: .*\.pem has mode 0644; expected 0600 \(chmod 600\)$/m);
    }
  });
});

describe('doctor', () => {
  test('looks at each part and fails for a key that others can read', async () => {
    const healthy = await signet(['doctor', '--json']);
    const { findings } = JSON.parse(healthy.stdout) as { findings: { name: string; state: string; advice?: string }[] };
    expect(findings.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['Node', 'Rust', 'Python', 'disk', 'home', 'owner key', 'lock', 'port', 'script image']),
    );
    for (const { state, advice } of findings)
      expect(state === 'ok' || advice !== undefined || state === 'warn').toBe(true);
    await writeFile(join(home, 'owner.key'), 'sg_x', { mode: 0o644 });
    const open = await signet(['doctor']);
    expect(open.code).toBe(1);
    expect(open.stdout).toMatch(/FAIL owner key .*can be read by others[\s\S]*chmod 600/);
  });

  test('a lock that is none is a failure, not a crash', async () => {
    await writeFile(join(home, 'lock'), 'garbage');
    const { code, stdout } = await signet(['doctor']);
    expect(code).toBe(1);
    expect(stdout).toContain('is not a lock of Signet');
  });
});

describe('init', () => {
  test('without a State stack it says what to do, and outputs must name the key', async () => {
    const args = ['init', '--stage', 'dev', '--genesis', 'dev.json'];
    const alone = await signet(args);
    expect(alone.code).toBe(1);
    expect(alone.stderr).toMatch(/^signet: expected the issuer key of the deployed State stack; deploy it first/);
    await writeFile(join(home, 'outputs.json'), JSON.stringify({ 'Signet-prod-State': { IssuerKeyArn: 'x' } }));
    const other = await signet([...args, '--outputs', 'outputs.json']);
    expect(other.code).toBe(2);
    expect(other.stderr).toContain('expected `IssuerKeyArn` of the stack Signet-dev-State in outputs.json');
  });
});

describe('verify', () => {
  test('what is no receipt is malformed, with 10', async () => {
    for (const text of ['', '{}', 'not json', '{"entry": 1}']) {
      const { code, stdout } = await signet(['verify', '-'], { stdin: text });
      expect(code).toBe(10);
      expect(stdout).toMatch(/FAIL form/);
    }
    const { code, stdout } = await signet(['verify', '-', '--json'], { stdin: '{}' });
    expect(code).toBe(10);
    expect(JSON.parse(stdout)).toMatchObject({ valid: false, exit: 10 });
  });

  test('a receipt holds when its node is pinned or named, and no changed byte of it does', async () => {
    const node = await openTestNode();
    try {
      const judgement = { action: 'search' as const, resource: { type: 'Web', id: 'local' }, facts: {} };
      const judged = await node.judge.decide(testCall(), judgement, async () => ({ value: null, outcome: {} }));
      const receipt = JSON.stringify(await node.receipts.get(judged.receipt, 'default'));
      const file = join(home, 'receipt.json');
      await writeFile(file, receipt);

      const unpinned = await signet(['verify', file]);
      expect(unpinned.code).toBe(3);
      expect(unpinned.stdout).toContain('--node');
      const named = await signet(['verify', file, '--node', node.identity.node_id, '--json']);
      expect(named.code).toBe(0);
      expect(JSON.parse(named.stdout)).toMatchObject({ valid: true, receipt_id: judged.receipt });

      await mkdir(join(home, 'trust'));
      await writeFile(
        join(home, 'trust', 'me.json'),
        JSON.stringify({ node_id: node.identity.node_id, pinned_at: 'today' }),
      );
      // Flipped in turn: the signed payload, the delegation, and the node document.
      for (const [from, to] of [
        ['"entry":"eyJ', '"entry":"eyK'],
        ['"delegation":"eyJ', '"delegation":"eyK'],
        ['"seq":0', '"seq":1'],
      ] as const) {
        expect(receipt).toContain(from);
        await writeFile(join(home, 'flipped.json'), receipt.replace(from, to));
        expect([10, 11, 14]).toContain((await signet(['verify', 'flipped.json'])).code);
      }
      const pinned = await signet(['verify', '-'], { stdin: receipt });
      expect(pinned.code).toBe(0);
      expect(pinned.stdout).toMatch(/^ok {2}[\s\S]*\nvalid\n$/);
    } finally {
      await node.close();
    }
  });

  test('a broken pin says which file', async () => {
    await mkdir(join(home, 'trust'));
    await writeFile(join(home, 'trust', 'friend.json'), '{}');
    const { code, stderr } = await signet(['verify', '-'], { stdin: '{}' });
    expect(code).toBe(2);
    expect(stderr).toContain('friend.json');
  });
});

describe('against a node', () => {
  let server: Server;
  let url: string;
  const requests: { method: string; path: string; key: string; body: string }[] = [];
  const run = {
    id: 'r1',
    state: 'failed',
    exit_code: 5,
    error: { type: 'RateLimited', message: 'slow \u001b[2Jdown' },
    stdout: 'a\nb\n',
    stderr: '',
    receipts: ['one', 'two'],
  };

  /** Answers as the routes do; what it is asked is kept. */
  beforeEach(async () => {
    requests.length = 0;
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (piece: Buffer) => (body += piece.toString()));
      request.on('end', () => {
        const { method = '', url: path = '' } = request;
        requests.push({ method, path, key: request.headers.authorization ?? '', body });
        if (request.headers.authorization !== 'Bearer good') {
          response.writeHead(401, { 'content-type': 'application/problem+json' });
          response.end(JSON.stringify({ code: 'invalid_api_key', detail: 'expected a key' }));
        } else if (path.startsWith('/api/v1/runs/r1/events?after=0')) {
          // Ends early once: the command goes on after the last event.
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.end(event(1, 'run', {}) + ': beat\n\n' + event(2, 'stdout', { text: 'a\n' }));
        } else if (path.startsWith('/api/v1/runs/r1/events')) {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.end(event(3, 'stdout', { text: 'b\n' }) + event(4, 'done', {}));
        } else if (method === 'POST' && path === '/api/v1/runs' && body.includes('forbidden')) {
          response.writeHead(403, { 'content-type': 'application/problem+json' });
          response.end(JSON.stringify({ code: 'policy_denied', detail: 'no' }));
        } else {
          response.writeHead(200, { 'content-type': 'application/json' });
          response.end(JSON.stringify(path.endsWith('/status') ? status : run));
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    await writeFile(join(home, 'x.py'), 'print(1)');
  });
  afterEach(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );

  const status = {
    node_id: 'did:key:z6Mk',
    version: '0.1.0',
    uptime_seconds: 3,
    ledger: { pending: 2 },
    compute: { sign: { served_by: 'wasm' }, run: { served_by: 'unavailable', reason: 'r', ready_in_s: 9 } },
    providers: [{ name: 'edge', tier: 'edge', models: 1 }],
  };
  const event = (id: number, name: string, data: object) =>
    `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;

  test('run prints what the script prints, only that, and exits as it did', async () => {
    const args = [
      'run',
      'x.py',
      '--url',
      url,
      '--key',
      'good',
      '--receipts',
      '--timeout',
      '2',
      '--input',
      '{"n":1}',
      '--',
      '-v',
    ];
    const { code, stdout, stderr } = await signet(args);
    expect({ code, stdout }).toEqual({ code: 5, stdout: 'a\nb\n' });
    expect(stderr).toBe('one\ntwo\nsignet: RateLimited: slow down\n');
    expect(JSON.parse(requests[0]?.body ?? '')).toEqual({
      script: 'print(1)',
      file_name: 'x.py',
      argv: ['-v'],
      input: { n: 1 },
      limits: { wall_ms: 2000 },
      mode: 'async',
    });
  });

  test('run --json prints the run object, --async its id', async () => {
    const whole = await signet(['run', 'x.py', '--url', url, '--key', 'good', '--json']);
    expect(JSON.parse(whole.stdout)).toEqual(run);
    expect(whole.code).toBe(5);
    expect(await signet(['run', 'x.py', '--url', url, '--key', 'good', '--async'])).toMatchObject({
      code: 0,
      stdout: 'r1\n',
    });
  });

  test('a wrong key and a refusal are one line each', async () => {
    const wrong = await signet(['status', '--url', url, '--key', 'bad']);
    expect(wrong).toMatchObject({
      code: 1,
      stderr: 'signet: invalid_api_key: expected a key; give --key, or --home of the node\n',
    });
    await writeFile(join(home, 'f.py'), 'forbidden');
    expect(await signet(['run', 'f.py', '--url', url, '--key', 'good'])).toMatchObject({
      code: 7,
      stderr: 'signet: policy_denied: no\n',
    });
  });

  test('status is for people, or JSON', async () => {
    const pretty = await signet(['status', '--url', url, '--key', 'good']);
    expect(pretty.stdout).toMatch(/node +did:key:z6Mk[\s\S]*run +unavailable: r \(about 9 s\)/);
    expect(JSON.parse((await signet(['status', '--url', url, '--key', 'good', '--json'])).stdout)).toEqual(status);
  });
});

describe('identity', () => {
  const identity = async (...args: readonly string[]) => {
    const ended = await signet(['identity', ...args, '--json']);
    if (ended.code !== 0) throw new Error(`expected exit 0, got ${ended.code}: ${ended.stderr}`);
    return JSON.parse(ended.stdout) as Record<string, unknown>;
  };

  test('shows, rotates and revokes the keys of a home, and old receipts stay valid', async () => {
    const issuer = await identity('rotate', 'issuer');
    expect(issuer).toMatchObject({ role: 'issuer', seq: 2, receipt: expect.any(String) });
    const root = await identity('rotate', 'root');
    expect(root).toMatchObject({ role: 'root', seq: 3, node_id: issuer['node_id'] });
    const revoked = await identity('revoke', String(issuer['successor']));
    expect(revoked).toMatchObject({ role: 'issuer', seq: 4, successor: expect.any(String) });
    expect(await identity('show')).toMatchObject({
      nodes: [
        {
          node_id: issuer['node_id'],
          documents: 5,
          valid: true,
          keys: expect.arrayContaining([
            expect.objectContaining({ key_id: issuer['successor'], state: 'revoked' }),
            expect.objectContaining({ key_id: revoked['successor'], state: 'current' }),
            expect.objectContaining({ key_id: root['successor'], role: 'root', state: 'current' }),
          ]),
        },
      ],
    });
    const again = await signet(['identity', 'revoke', String(issuer['successor'])]);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('was revoked before') });
  }, 60_000);

  test('says what it wants', async () => {
    expect(await signet(['identity', 'show'])).toMatchObject({ code: 1, stderr: expect.stringContaining('no node') });
    expect(await signet(['identity', 'rotate', 'session'])).toMatchObject({ code: 2 });
    expect(await signet(['identity', 'rotate', 'root', '--url', 'http://node.example'])).toMatchObject({ code: 2 });
  });
});
