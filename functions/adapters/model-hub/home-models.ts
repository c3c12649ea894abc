import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { precisionOf, readModelFacts, type ModelFacts } from '../../domain/models/model-facts.ts';
import { readPins, type ModelPin } from '../../domain/models/model-pins.ts';
import type { Precision } from '../../domain/ports/compute.ts';
import { withLock } from './with-lock.ts';

/** A model in the folder of a home: `models/<id>`, as `signet models pull` leaves it. */
export interface HomeModel {
  readonly folder: string;
  readonly facts: ModelFacts;
}

export interface HomeModels {
  /** Those that are whole; a folder without a readable `model.json` is none. */
  list(): Promise<readonly HomeModel[]>;
  pins(): Promise<Readonly<Record<string, ModelPin>>>;
  /** Hashes the weights and the tokenizer in `folder`. */
  describe(folder: string): Promise<ModelPin>;
  /** Does so and keeps the digests: from now on they may be taken. */
  pin(id: string, folder: string): Promise<ModelPin>;
  /**
   * Puts what `build` made in a fresh folder in the place of `models/<id>`, at once. Processes that want the same model
   * build it once: the others wait and find it there (`undefined`).
   */
  install(id: string, build: (folder: string) => Promise<void>): Promise<'installed' | 'present'>;
  /** Makes a precision the default of a model that is installed here, because its check passed. */
  setDefault(id: string, precision: Precision): Promise<void>;
  /** Marks a model as used by this process until `release`; what is used is never evicted. */
  hold(id: string): Promise<{ release(): Promise<void> }>;
  /** The least recently used leave until the rest has at most `bytes_max`. Answers the ids that left. */
  evict(bytes_max?: number): Promise<readonly string[]>;
}

const cache_bytes_max = 10 * 1024 ** 3;
const weights_name = 'model.safetensors';
const tokenizer_name = 'tokenizer.json';

export function homeModels(home: string): HomeModels {
  const root = join(home, 'models');
  const pins_path = join(root, 'pins.json');

  async function list(): Promise<readonly HomeModel[]> {
    const names = await readdir(root).catch(() => []);
    const found = await Promise.all(
      names
        .filter((name) => !name.startsWith('.'))
        .map(async (name): Promise<HomeModel[]> => {
          const folder = join(root, name);
          try {
            const facts = readModelFacts(await readFile(join(folder, 'model.json'), 'utf8'));
            return facts.id === name ? [{ folder, facts }] : [];
          } catch {
            return [];
          }
        }),
    );
    return found.flat();
  }

  const pins = async (): Promise<Readonly<Record<string, ModelPin>>> => {
    const text = await readFile(pins_path, 'utf8').catch(() => undefined);
    return text === undefined ? {} : readPins(JSON.parse(text));
  };

  return {
    list,
    pins,
    describe: describeFolder,

    async pin(id, folder) {
      await mkdir(root, { recursive: true });
      const pinned = await describeFolder(folder);
      return withLock(`${pins_path}.lock`, undefined, async () => {
        const all = { ...(await pins()), [id]: pinned };
        await writeFile(`${pins_path}.new`, `${JSON.stringify(all, null, 2)}\n`);
        await rename(`${pins_path}.new`, pins_path);
        return pinned;
      });
    },

    async install(id, build) {
      await mkdir(root, { recursive: true });
      return withLock(join(root, `.${id}.lock`), undefined, async () => {
        if ((await list()).some(({ facts }) => facts.id === id)) return 'present';
        const made = join(root, `.${id}.new`);
        await rm(made, { recursive: true, force: true });
        await mkdir(made);
        try {
          await build(made);
          readModelFacts(await readFile(join(made, 'model.json'), 'utf8'));
          await rm(join(root, id), { recursive: true, force: true });
          await rename(made, join(root, id));
        } finally {
          await rm(made, { recursive: true, force: true });
        }
        return 'installed';
      });
    },

    async setDefault(id, precision) {
      const path = join(root, id, 'model.json');
      const facts = readModelFacts(await readFile(path, 'utf8'));
      precisionOf(facts, precision);
      await writeFile(`${path}.new`, `${JSON.stringify({ ...facts, default_precision: precision }, null, 2)}\n`);
      await rename(`${path}.new`, path);
    },

    async hold(id) {
      const mark = join(root, id, `in-use.${process.pid}`);
      await writeFile(mark, '');
      const now = new Date();
      await utimes(join(root, id, 'model.json'), now, now);
      return { release: () => rm(mark, { force: true }) };
    },

    async evict(bytes_max = cache_bytes_max) {
      const models = await Promise.all(
        (await list()).map(async ({ folder, facts }) => ({ folder, id: facts.id, ...(await measured(folder)) })),
      );
      let bytes = models.reduce((sum, model) => sum + model.bytes, 0);
      const left: string[] = [];
      for (const model of models.toSorted((a, b) => a.used_at - b.used_at)) {
        if (bytes <= bytes_max) break;
        if (await isInUse(model.folder)) continue;
        await rm(model.folder, { recursive: true });
        bytes -= model.bytes;
        left.push(model.id);
      }
      return left;
    },
  };
}

async function describeFolder(folder: string): Promise<ModelPin> {
  const place = resolve(folder);
  const weights = await describedFile(place, weights_name);
  return { folder: place, weights, tokenizer: await describedFile(place, tokenizer_name) };
}

async function describedFile(folder: string, name: string): Promise<ModelPin['weights']> {
  const path = join(folder, name);
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return { name, sha256: hash.digest('hex'), bytes: (await stat(path)).size };
}

async function measured(folder: string): Promise<{ bytes: number; used_at: number }> {
  const sizes = await Promise.all((await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size));
  const { mtimeMs } = await stat(join(folder, 'model.json'));
  return { bytes: sizes.reduce((sum, size) => sum + size, 0), used_at: mtimeMs };
}

/** By a process that lives; the mark of one that was killed counts for nothing. */
async function isInUse(folder: string): Promise<boolean> {
  const marks = (await readdir(folder)).flatMap((name) => /^in-use\.(\d+)$/.exec(name)?.[1] ?? []);
  return marks.some((pid) => {
    try {
      return process.kill(Number(pid), 0);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
  });
}
