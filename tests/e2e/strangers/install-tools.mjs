// Tools of other projects that judge what a node makes: each at a pinned version and by its hash, in a folder of this
// checkout. What this machine cannot have is left out, with the reason.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pythonPrograms } from '../../../scripts/python-environment.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const b3sum = 'b3sum@1.8.7';
const litewitness = 'filippo.io/torchwood/cmd/litewitness@v0.6.1';
const fsck = 'github.com/transparency-dev/tessera/cmd/fsck';
const goLibraries = ['golang.org/x/mod', 'github.com/secure-systems-lab/go-securesystemslib'];

/**
 * @param {{cache: string, run: Function}} request
 * @returns {Promise<{python: string, programs: string[], environment: object, has: string[], missing: string[],
 *   pins: string[]}>}
 *   `python`: an environment; `programs`: folders to search before `PATH`; `environment`: what `go` needs; `has`:
 *   `openssl`, `b3sum`, `go`, `fsck`, `litewitness` as far as they are there; `missing`: a line with the reason for each that is not;
 *   `pins`: versions that stand in no file beside this one
 */
export async function installTools({ cache, run }) {
  for (const needed of ['curl', 'jq']) {
    if (answerOf(needed, '--version') === undefined) throw new Error(`these checks need \`${needed}\``);
  }
  const programs = await pythonPrograms({ requirements: join(here, 'requirements.txt'), cache, run });
  const environment = goEnvironment(join(cache, 'go'));
  const reasons = {
    openssl: whyNoOpenssl(),
    b3sum: await whyNoB3sum({ cache, run }),
    go: whyNoGo() ?? (await whyNoGoTools({ cache, run, environment })),
    litewitness: whyNoGo() ?? whyNoAgent() ?? (await whyNoLitewitness({ cache, run, environment })),
  };
  return {
    python: dirname(programs),
    programs: [join(cache, 'bin')],
    environment,
    has: Object.keys(reasons)
      .filter((name) => reasons[name] === undefined)
      .flatMap((name) => (name === 'go' ? ['go', 'fsck'] : [name])),
    missing: Object.entries(reasons).flatMap(([name, reason]) => (reason === undefined ? [] : [`${name}: ${reason}`])),
    pins: [b3sum, litewitness],
  };
}

/** Ed25519 over a file needs `-rawin`, which OpenSSL 3 brought. */
function whyNoOpenssl() {
  const version = answerOf('openssl', 'version');
  if (version === undefined) return 'not installed';
  return /^OpenSSL ([3-9]|\d\d)\./.test(version) ? undefined : `expected OpenSSL 3 or newer, got \`${version}\``;
}

async function whyNoB3sum({ cache, run }) {
  if (existsSync(join(cache, 'bin', 'b3sum'))) return undefined;
  const env = { ...process.env, CARGO_TARGET_DIR: join(cache, 'b3sum') };
  return await whyNot(() =>
    run('cargo', ['install', '--quiet', '--locked', b3sum, '--root', cache], { env, quiet: true }),
  );
}

function whyNoGo() {
  const version = answerOf('go', 'version');
  if (version === undefined) return 'not installed';
  const [, minor = '0'] = /go1\.(\d+)/.exec(version) ?? [];
  return Number(minor) >= 26 ? undefined : `expected Go 1.26 or newer, got \`${version}\``;
}

async function whyNoGoTools({ cache, run, environment }) {
  mkdirSync(environment.GOTMPDIR, { recursive: true });
  const options = { cwd: here, env: { ...process.env, ...environment }, quiet: true };
  return await whyNot(async () => {
    await run('go', ['build', '-o', join(cache, 'bin', 'fsck'), fsck], options);
    await run('go', ['mod', 'download', ...goLibraries], options);
  });
}

/** litewitness signs by an agent, as its owner would have it. */
function whyNoAgent() {
  return answerOf('ssh-agent', '-h') === undefined ? 'it needs ssh-agent, which is not installed' : undefined;
}

async function whyNoLitewitness({ cache, run, environment }) {
  if (existsSync(join(cache, 'bin', 'litewitness'))) return undefined;
  const env = { ...process.env, ...environment, GOBIN: join(cache, 'bin') };
  return await whyNot(() => run('go', ['install', litewitness], { env, quiet: true }));
}

function goEnvironment(folder) {
  return {
    GOPATH: folder,
    GOCACHE: join(folder, 'build'),
    GOTMPDIR: join(folder, 'temporary'),
    GOTOOLCHAIN: 'local',
    GOFLAGS: '-mod=readonly -modcacherw -buildvcs=false',
    GOWORK: 'off',
  };
}

/** A machine that reaches no registry has no tool; a hash that differs, or code that does not build, is no such reason. */
async function whyNot(install) {
  try {
    await install();
    return undefined;
  } catch (error) {
    const isAway = /dial tcp|no such host|timed? ?out|failed to download|could not resolve|403|is not installed/i;
    if (!isAway.test(error.message) || /checksum|SECURITY/.test(error.message)) throw error;
    return error.message.trim().split('\n').at(-1);
  }
}

function answerOf(command, argument) {
  const { stdout, error } = spawnSync(command, [argument], { encoding: 'utf8' });
  return error === undefined ? stdout.trim() : undefined;
}
