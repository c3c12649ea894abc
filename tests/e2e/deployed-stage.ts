import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeVisitor, type Visitor } from './visitor.ts';
import { repository } from './running-node.ts';

/** A stage on the emulator of `npm run test:e2e`, deployed by the commands of a user. */
export interface DeployedStage {
  readonly name: string;
  /** SIGNET_HOME of the commands; the stage's own home is in `stages/<name>`. */
  readonly home: string;
  readonly genesis: string;
  /** `npm run deploy`; `changes` go over what the emulator needs, for this deploy and those after it. */
  deploy(changes?: object): Promise<Ended>;
  /** `npm run destroy` with further arguments. */
  destroy(...args: readonly string[]): Promise<Ended>;
  /** What the State stack is made of, from its outputs. */
  state(): Promise<Readonly<Record<string, string>>>;
  /** The owner, at the address of the last deploy. */
  owner(): Promise<Visitor>;
}

export interface Ended {
  readonly code: number;
  /** Both streams, as a terminal would show them. */
  readonly output: string;
}

/** Address of the emulator; the tests run under `npm run test:e2e`, which starts it. */
export function emulatorUrl(): string {
  const url = process.env['SIGNET_EMULATOR_URL'];
  if (url === undefined) throw new Error('SIGNET_EMULATOR_URL is not set: run `npm run test:e2e -- deployed`');
  return url;
}

/** @param request.folder everything of the stage on this machine; the caller's to remove */
export function makeStage({ name, folder }: { name: string; folder: string }): DeployedStage {
  const home = join(folder, 'home');
  const genesis = join(folder, 'genesis.json');
  const overrides = join(folder, 'overrides.json');
  const environment = { SIGNET_GENESIS: genesis, ...builtPaths() };
  let changed: object = {};
  let url: string | undefined;

  const common = ['--stage', name, '--genesis', genesis, '--yes'];
  // Built by `npm run test:e2e` before jest: a source that moves meanwhile would set a compiler to work within a test.
  const deploying = [...common, '--as-built', '--overrides', overrides];
  return {
    name,
    home,
    genesis,
    async deploy(changes = {}) {
      changed = { ...changed, ...changes };
      await writeFile(
        overrides,
        JSON.stringify({ ...changed, emulator: { endpoint_url: emulatorUrl(), environment } }),
      );
      const ended = await script('deploy.mjs', deploying, { home });
      url = /^Signet serves on (\S+)$/m.exec(ended.output)?.[1];
      return ended;
    },
    destroy: (...args) => script('destroy.mjs', [...common, ...args], { home }),
    async state() {
      const text = await readFile(join(home, 'stages', name, 'state-outputs.json'), 'utf8');
      const [outputs] = Object.values(JSON.parse(text) as Record<string, Record<string, string>>);
      if (outputs === undefined) throw new Error(`expected outputs of the State stack of ${name}`);
      return outputs;
    },
    async owner() {
      if (url === undefined) throw new Error(`expected ${name} to be deployed`);
      const own_home = join(home, 'stages', name);
      const key = (await readFile(join(own_home, 'owner.key'), 'utf8')).trim();
      return makeVisitor({ url, key, home: own_home });
    },
  };
}

/** The emulator mounts no layers, so the functions are told where their files are on this machine. */
function builtPaths(): Record<string, string> {
  const model = builtFolder('layer-model');
  const [model_id] = Object.keys(model.files).flatMap((file) => /^models\/([^/]+)\//.exec(file)?.[1] ?? []);
  return {
    SIGNET_ORT_LIB: join(builtFolder('layer-onnxruntime-host').path, 'lib', 'libonnxruntime.so.1'),
    SIGNET_MODEL_DIR: join(model.path, 'models', model_id ?? ''),
    SIGNET_SCRIPT_IMAGE: join(builtFolder('layer-script-image-host').path, 'script-image', 'script-image.cwasm'),
  };
}

function builtFolder(name: string): { path: string; files: object } {
  const place = join(repository, '.signet-build', name);
  const { folder, files } = JSON.parse(readFileSync(join(place, 'manifest.json'), 'utf8')) as {
    folder: string;
    files: object;
  };
  return { path: join(place, folder), files };
}

/** Less than what a test waits, so that one that hangs ends with what it said. */
const script_ms_max = 170_000;

/** One of `scripts/`, with the credentials of the emulator and nothing of the caller's account. */
function script(file: string, args: readonly string[], { home }: { home: string }): Promise<Ended> {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'NODE_EXTRA_CA_CERTS', 'AWS_CA_BUNDLE', 'SSL_CERT_FILE'];
  const environment = {
    ...Object.fromEntries(kept.map((name) => [name, process.env[name]])),
    AWS_ENDPOINT_URL: emulatorUrl(),
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'us-east-1',
    SIGNET_HOME: home,
  };
  return new Promise((resolve) => {
    const command = [join(repository, 'scripts', file), ...args];
    execFile(
      process.execPath,
      command,
      { cwd: repository, env: environment, maxBuffer: 64 << 20, timeout: script_ms_max },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, output: `${stdout}${stderr}` });
      },
    );
  });
}
