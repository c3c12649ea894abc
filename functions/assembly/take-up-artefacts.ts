import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { findOnnxRuntime } from '../adapters/native/find-onnxruntime.ts';
import { homeModels } from '../adapters/model-hub/home-models.ts';
import { modelShelf, type ModelShelf, type ShelvedModel } from '../adapters/native/model-shelf.ts';
import { openNativeCompute } from '../adapters/native/native-compute.ts';
import { openNativeEmbed, type NativeEmbed } from '../adapters/native/native-embed.ts';
import { sandboxScriptHost, type SandboxScriptHost } from '../adapters/sandbox/sandbox-script-host.ts';
import type { InstalledModel } from '../domain/embeddings/make-embeddings.ts';
import type { JsonObject } from '../domain/json.ts';
import { CapabilityUnavailableError, type Capability } from '../domain/ports/compute.ts';
import type { AnswerCall, ScriptHost } from '../domain/ports/script-host.ts';
import { artefactState, type ArtefactName, type ArtefactState } from './artefacts.ts';
import type { ComputeSlots } from './compute-slots.ts';
import type { NodeLog } from './node-log.ts';
import type { Settings } from './read-settings.ts';
import { SettingsError } from './signet-json.ts';

/** What was built and is used by now. */
export interface TakenUp {
  installedModels(): readonly InstalledModel[] | Promise<readonly InstalledModel[]>;
  /** Throws `CapabilityUnavailableError` with the step in progress while there is none. */
  scriptHost(): ScriptHost;
  sandboxStatus(): JsonObject;
  /** Looks once, now; the watch does the same every half second. */
  look(): Promise<void>;
  close(): Promise<void>;
}

type Ready = Extract<ArtefactState, { kind: 'ready' }>;

const look_every_ms = 500;

const building: Readonly<Record<ArtefactName, string>> = {
  native: 'the native addon',
  'script-image': 'the Python script image',
  models: 'the embedding model',
};

/**
 * Watches `.signet-build/` and switches capabilities one by one as their artefacts appear: signing, verifying, hashing
 * and scoring to the addon, embedding when addon and model are there, runs when sandbox and image are. One that cannot be
 * opened stays as it was, with the reason in the status.
 */
export function takeUpArtefacts(request: {
  settings: Settings;
  build_folder: string;
  repository: string;
  slots: ComputeSlots;
  answerCall: AnswerCall;
  /** Signing moved to another adapter: its handles are new. */
  onSignSwitched: () => Promise<unknown>;
  tell: (line: string) => void;
  log: NodeLog;
}): TakenUp {
  const { settings, slots, tell, log } = request;
  const refused = new Map<string, string>();
  let addon_path: string | undefined;
  let embed: NativeEmbed | undefined;
  let shelf: ModelShelf | undefined;
  let host: SandboxScriptHost | undefined;
  let looking: Promise<void> | undefined;
  let closed = false;

  const state = (name: ArtefactName): ArtefactState =>
    artefactState({ build_folder: request.build_folder, name, now: Date.now() });

  async function look(): Promise<void> {
    if (closed) return;
    const native = state('native');
    if (native.kind === 'ready' && addon_path === undefined)
      await attempt('native', { native }, () => openAddon(native));
    const model = state('models');
    if (embed === undefined) {
      if (addon_path !== undefined && model.kind === 'ready') {
        const path = addon_path;
        await attempt('embed', { models: model }, () => openEmbed(path, model));
      }
      if (embed === undefined) slots.declare('embed', waitingFor('embed', { native, models: model }));
    }
    const image = state('script-image');
    if (host === undefined) {
      if (native.kind === 'ready' && image.kind === 'ready') {
        await attempt('run', { native, 'script-image': image }, async () => openHost(native, image));
      }
      if (host === undefined) slots.declare('run', waitingFor('run', { native, 'script-image': image }));
    }
  }

  /** Tries a build once; it is not tried again until another build is published. */
  async function attempt(
    what: string,
    parts: Partial<Record<ArtefactName, Ready>>,
    open: () => Promise<void>,
  ): Promise<void> {
    const build = `${what}:${['native', 'models', 'script-image'].map((name) => folderOf(state(name as ArtefactName))).join()}`;
    if (refused.has(build)) return;
    try {
      for (const part of Object.values(parts)) await assertWhole(part);
      await open();
      refused.delete(what);
    } catch (error) {
      const because = error instanceof Error ? error.message : String(error);
      const names = Object.keys(parts).join(' ');
      const advice = `; \`node scripts/build-artefacts.mjs ${names}\` builds what was damaged again`;
      const reason = `${because}${error instanceof SettingsError ? '' : advice}`;
      tell(`\`${what}\` was built but cannot be used: ${reason}`);
      refused.set(build, reason);
      refused.set(what, reason);
      log.error({ err: error }, `\`${what}\` was built but cannot be used`);
    }
  }

  async function openAddon(ready: Ready): Promise<void> {
    const path = join(ready.folder, 'signet.node');
    if (settings.compute === 'wasm') {
      addon_path = path;
      return;
    }
    const native = openNativeCompute({ addon_path: path });
    for (const slot of ['verify', 'digest', 'score', 'gates', 'arithmetic', 'segments', 'sign'] as const) {
      slots.use(slot, native[slot], 'native');
    }
    addon_path = path;
    await request.onSignSwitched();
    tell('signing, hashing and scoring are served by the native addon');
  }

  async function openEmbed(path: string, ready: Ready): Promise<void> {
    if (settings.compute === 'wasm') {
      throw new SettingsError(['SIGNET_COMPUTE=wasm, and the WebAssembly build does not embed']);
    }
    const library = findOnnxRuntime({
      ...(settings.ort_lib === undefined ? {} : { configured: settings.ort_lib }),
      repository: request.repository,
      platform: process.platform,
      arch: process.arch,
    });
    if (library.kind === 'missing') throw new SettingsError([library.reason]);
    embed = await openNativeEmbed({
      addon_path: path,
      ort_lib_path: library.path,
      model_dir: ready.folder,
      ...(settings.embed_precision === undefined ? {} : { precision: settings.embed_precision }),
    }).catch((cause: Error) => {
      if (library.source !== 'environment' || !cause.message.includes(library.path)) throw cause;
      throw new SettingsError([`${cause.message}; correct SIGNET_ORT_LIB, or unset it`]);
    });
    shelf = modelShelf({ first: embed, others: () => othersOf(path, library.path) });
    slots.use('embed', shelf, 'native');
    const { id, dimension, default_precision } = embed.model;
    tell(`embedding is ready: ${id}, ${dimension} dimensions, ${default_precision}`);
  }

  /** What `signet models pull` put into the home. */
  async function othersOf(addon: string, ort_lib_path: string): Promise<readonly ShelvedModel[]> {
    const models = homeModels(settings.home);
    return (await models.list()).map(({ folder, facts }) => ({
      facts,
      async open() {
        const held = await models.hold(facts.id);
        try {
          const opened = await openNativeEmbed({ addon_path: addon, ort_lib_path, model_dir: folder });
          return {
            ...opened,
            async close() {
              try {
                await opened.close();
              } finally {
                await held.release();
              }
            },
          };
        } catch (error) {
          await held.release();
          throw error;
        }
      },
    }));
  }

  function openHost(native: Ready, image: Ready): void {
    const file = image.manifest.files['script-image.cwasm'];
    if (file === undefined) throw new Error('the script image has no `script-image.cwasm`');
    host = sandboxScriptHost({
      executable_path: join(native.folder, 'signet-sandbox'),
      image_path: join(image.folder, 'script-image.cwasm'),
      image_sha256: file.sha256,
      answerCall: request.answerCall,
      log,
    });
    slots.declare('run', { served_by: 'native' });
    tell('scripts are ready: `npx signet run examples/soma.py`');
  }

  function waitingFor(
    capability: 'embed' | 'run',
    parts: Partial<Record<ArtefactName, ArtefactState>>,
  ): Extract<Capability, { served_by: 'unavailable' }> {
    const reason = refused.get(capability) ?? refused.get('native');
    if (reason !== undefined) return { served_by: 'unavailable', reason };
    for (const [name, part] of Object.entries(parts) as [ArtefactName, ArtefactState][]) {
      if (part.kind === 'building') {
        return {
          served_by: 'unavailable',
          reason: `${building[name]} is being built`,
          step: part.step,
          ready_in_s: part.ready_in_s,
        };
      }
      if (part.kind === 'failed') {
        return { served_by: 'unavailable', reason: `${building[name]} could not be built: ${part.reason}` };
      }
      if (part.kind === 'absent') {
        return {
          served_by: 'unavailable',
          reason: `${building[name]} is not built; \`npm start\` builds it, or \`node scripts/build-artefacts.mjs\``,
        };
      }
    }
    return { served_by: 'unavailable', reason: 'not taken up yet', ready_in_s: 1 };
  }

  const lookOnce = (): Promise<void> => (looking ??= look().finally(() => (looking = undefined)));
  const watch = setInterval(() => void lookOnce(), look_every_ms);
  watch.unref();
  // Not waited for: what was built before is taken up while the node already answers.
  void lookOnce();

  return {
    installedModels: () => shelf?.installed() ?? [],
    scriptHost() {
      if (host !== undefined) return host;
      const current = slots.states().run;
      throw new CapabilityUnavailableError(
        'run',
        current.served_by === 'unavailable' ? current : { served_by: 'unavailable', reason: 'not taken up yet' },
      );
    },
    sandboxStatus: () => host?.status() ?? {},
    look: lookOnce,
    async close() {
      closed = true;
      clearInterval(watch);
      await looking;
      await host?.close();
      await shelf?.close();
    },
  };
}

/** A file that was cut after it was published: what maps or runs it could fail in worse ways, and later. */
async function assertWhole({ folder, manifest }: Ready): Promise<void> {
  for (const [file, { bytes }] of Object.entries(manifest.files)) {
    const path = join(folder, file);
    const size = (await stat(path).catch(() => undefined))?.size;
    if (size === undefined) throw new Error(`\`${path}\` is missing`);
    if (size !== bytes) throw new Error(`\`${path}\` has ${size} of ${bytes} bytes`);
  }
}

function folderOf(state: ArtefactState): string {
  return state.kind === 'ready' ? state.folder : '';
}
