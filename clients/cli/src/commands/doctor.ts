import { execFile } from 'node:child_process';
import { readFile, stat, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { readLock } from '@signet/functions/adapters/files/lock-home.ts';
import { checkOnnxRuntime, findOnnxRuntime } from '@signet/functions/adapters/native/find-onnxruntime.ts';
import type { ArtefactName } from '@signet/functions/assembly/artefacts.ts';
import { checkArtefact } from '../artefacts-on-disk.ts';
import { renderFindings, type Finding } from '../doctor/finding.ts';
import { exits } from '../failure.ts';
import { readGlobalOptions, withGlobalOptions } from '../global-options.ts';
import { ownerKey } from '../node-access.ts';
import { pinnedNodes } from '../pinned-nodes.ts';
import { buildFolder, repository } from '../places.ts';
import type { Exit } from '../program.ts';
import type { Terminal } from '../terminal.ts';

const execute = promisify(execFile);

export function doctorCommand(terminal: Terminal, exit: Exit): Command {
  const command = new Command('doctor')
    .description('look for what is missing or wrong here, or at a node elsewhere, and say what to do')
    .addHelpText(
      'after',
      `
Examples:
  signet doctor
  signet doctor --json
  signet doctor --url https://node.example --home .signet/stages/dev

With --url it looks from outside: reachable, TLS, clock, key, whose node it is, a receipt verified offline, what
computes there. Key and pinned node are those of the home (a stage's home has both), or --key.
A warning leaves something out; a failure stops the node. Exit code 1 when something fails.`,
    );
  return withGlobalOptions(command).action(async () => {
    const { home, json, url, key } = readGlobalOptions(command, terminal);
    const findings =
      url === undefined ? await examine(home, terminal.environment) : await examineElsewhere({ url, key, home });
    const fails = findings.filter(({ state }) => state === 'fail').length;
    terminal.out(
      json ? `${JSON.stringify({ healthy: fails === 0, findings }, null, 2)}\n` : renderFindings(findings, terminal),
    );
    exit(fails === 0 ? exits.done : exits.failed);
  });
}

async function examineElsewhere(request: {
  url: string;
  key: string | undefined;
  home: string;
}): Promise<readonly Finding[]> {
  // Loaded when needed: a module that verifies is compiled.
  const [{ examineUrl }, { openWasmCompute }] = await Promise.all([
    import('../doctor/examine-url.ts'),
    import('@signet/functions/adapters/wasm/wasm-compute.ts'),
  ]);
  const { verify, digest } = await openWasmCompute();
  return await examineUrl({
    url: request.url,
    key: request.key ?? (await ownerKey(request.home)),
    home: request.home,
    pinned: await pinnedNodes(request.home),
    genesis_text: await readFile(join(request.home, 'genesis.json'), 'utf8').catch(() => undefined),
    verify,
    digest,
    now: Date.now,
  });
}

async function examine(home: string, environment: Terminal['environment']): Promise<readonly Finding[]> {
  return [
    nodeVersion(),
    await program('Rust', 'cargo', ['--version'], 'install Rust by rustup; without it no native parts are built'),
    await program(
      'Python',
      'python3',
      ['--version'],
      'install Python 3.11; without it model and script image are not built',
    ),
    await disk(home),
    await homeFolder(home),
    await keyFile(home),
    await lock(home),
    await port(home, environment),
    await artefact('native addon', 'native'),
    await artefact('script image', 'script-image'),
    await artefact('embedding model', 'models'),
    await onnxRuntime(environment),
  ];
}

function nodeVersion(): Finding {
  const { node } = process.versions;
  if (Number(node.split('.')[0]) >= 24) return { name: 'Node', state: 'ok', detail: node };
  return { name: 'Node', state: 'fail', detail: `expected 24 or newer, got ${node}`, advice: 'run `npm ci`' };
}

async function program(name: string, command: string, args: readonly string[], advice: string): Promise<Finding> {
  try {
    const { stdout, stderr } = await execute(command, [...args], { timeout: 10_000 });
    return { name, state: 'ok', detail: (stdout || stderr).trim().split('\n')[0] ?? '' };
  } catch {
    return { name, state: 'warn', detail: `\`${command}\` does not run`, advice };
  }
}

const disk_bytes_wanted = 6 * 1024 ** 3;
const disk_bytes_least = 256 * 1024 ** 2;

async function disk(home: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(await existing(home));
  const free = bavail * bsize;
  const detail = `${(free / 1024 ** 3).toFixed(1)} GiB free`;
  if (free < disk_bytes_least)
    return { name: 'disk', state: 'fail', detail, advice: 'make room; writes will fail soon' };
  if (free < disk_bytes_wanted)
    return { name: 'disk', state: 'warn', detail, advice: 'the first build takes about 6 GiB' };
  return { name: 'disk', state: 'ok', detail };
}

async function homeFolder(home: string): Promise<Finding> {
  const facts = await stat(home).catch(() => undefined);
  if (facts === undefined) return { name: 'home', state: 'ok', detail: `${home} is made by the first start` };
  if (!facts.isDirectory()) {
    return {
      name: 'home',
      state: 'fail',
      detail: `expected a folder at ${home}`,
      advice: 'choose another with --home',
    };
  }
  if (process.getuid !== undefined && facts.uid !== process.getuid()) {
    return {
      name: 'home',
      state: 'fail',
      detail: `${home} belongs to user ${facts.uid}`,
      advice: 'start as that user',
    };
  }
  if ((facts.mode & 0o077) !== 0) {
    const mode = (facts.mode & 0o777).toString(8);
    return { name: 'home', state: 'warn', detail: `${home} is open to others (${mode})`, advice: `chmod 700 ${home}` };
  }
  return { name: 'home', state: 'ok', detail: home };
}

async function keyFile(home: string): Promise<Finding> {
  const path = join(home, 'owner.key');
  const facts = await stat(path).catch(() => undefined);
  if (facts === undefined) return { name: 'owner key', state: 'ok', detail: 'is made by the first start' };
  if ((facts.mode & 0o077) !== 0) {
    const mode = (facts.mode & 0o777).toString(8);
    return {
      name: 'owner key',
      state: 'fail',
      detail: `${path} can be read by others (${mode})`,
      advice: `chmod 600 ${path}, then rotate the key`,
    };
  }
  return { name: 'owner key', state: 'ok', detail: path };
}

async function lock(home: string): Promise<Finding> {
  try {
    const owner = await readLock(home);
    if (owner === undefined) return { name: 'lock', state: 'ok', detail: 'nobody has the home' };
    const where = owner.port === undefined ? 'without a port' : `on port ${owner.port}`;
    return { name: 'lock', state: 'ok', detail: `process ${owner.pid} has the home, ${where}` };
  } catch (error) {
    return { name: 'lock', state: 'fail', detail: (error as Error).message, advice: 'remove the file if no node runs' };
  }
}

async function port(home: string, environment: Terminal['environment']): Promise<Finding> {
  const wanted = Number(environment['SIGNET_PORT'] ?? 3001);
  const owner = await readLock(home).catch(() => undefined);
  if (owner?.port === wanted) return { name: 'port', state: 'ok', detail: `${wanted} is our node's` };
  const free = await isFree(wanted, environment['SIGNET_HOST'] ?? '127.0.0.1');
  if (free) return { name: 'port', state: 'ok', detail: `${wanted} is free` };
  return {
    name: 'port',
    state: 'warn',
    detail: `${wanted} is taken by another program`,
    advice: 'choose another with SIGNET_PORT or --port',
  };
}

function isFree(wanted: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port: wanted, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

async function artefact(title: string, name: ArtefactName): Promise<Finding> {
  const check = await checkArtefact(buildFolder, name);
  const command = `\`node scripts/build-artefacts.mjs ${name}\``;
  const advice = `\`npm start\` builds it, or ${command}`;
  switch (check.kind) {
    case 'good':
      return { name: title, state: 'ok', detail: `built ${check.manifest.built_at}, all digests as built` };
    case 'building':
      return {
        name: title,
        state: 'warn',
        detail: `being built: ${check.step}`,
        advice: `wait about ${check.ready_in_s} s`,
      };
    case 'changed':
      return {
        name: title,
        state: 'fail',
        detail: `\`${check.file}\` was changed: ${check.reason}`,
        advice: `${command} builds it again`,
      };
    case 'failed':
      return { name: title, state: 'warn', detail: `could not be built: ${check.reason}`, advice };
    case 'absent':
      return { name: title, state: 'warn', detail: 'is not built', advice };
    default:
      return check satisfies never;
  }
}

async function onnxRuntime(environment: Terminal['environment']): Promise<Finding> {
  const name = 'ONNX Runtime';
  const configured = environment['SIGNET_ORT_LIB'];
  const { platform, arch } = process;
  const found = findOnnxRuntime({ ...(configured === undefined ? {} : { configured }), repository, platform, arch });
  if (found.kind === 'missing') {
    return { name, state: 'warn', detail: found.reason, advice: 'without it nothing is embedded; all else works' };
  }
  const check = await checkOnnxRuntime(found.path, { platform, arch });
  if (check.kind === 'pinned') return { name, state: 'ok', detail: `${check.version}, the pinned library` };
  if (found.source === 'environment') {
    const detail = `a library of your own, not the pinned one: ${found.path}`;
    return { name, state: 'warn', detail, advice: 'if nothing is embedded, unset SIGNET_ORT_LIB' };
  }
  return { name, state: 'fail', detail: check.reason, advice: 'run `npm ci --ignore-scripts`' };
}

/** The folder itself or the nearest one above it that is there. */
async function existing(folder: string): Promise<string> {
  const found = await stat(folder).catch(() => undefined);
  return found !== undefined || dirname(folder) === folder ? folder : existing(dirname(folder));
}
