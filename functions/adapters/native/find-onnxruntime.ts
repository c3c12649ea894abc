import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import pins from '../../../layers/onnxruntime/pins.json' with { type: 'json' };

export type FoundOnnxRuntime =
  | { readonly kind: 'found'; readonly path: string; readonly source: 'environment' | 'layer' | 'package' }
  | { readonly kind: 'missing'; readonly reason: string };

/** One file per platform, pinned for each. */
type Platform = keyof typeof pins.platforms;

export interface OnnxRuntimePlace {
  /** `SIGNET_ORT_LIB`: when it is set nothing else is tried, so that a typo does not silently load another library. */
  readonly configured?: string;
  /** The folder that holds `node_modules`. */
  readonly repository: string;
  /** `process.platform` and `process.arch`. */
  readonly platform: string;
  readonly arch: string;
  /** Where a Lambda layer would have it. */
  readonly layer_path?: string;
}

/** Looks in `SIGNET_ORT_LIB`, the layer, the npm package. Reads no file: `checkOnnxRuntime` compares digests. */
export function findOnnxRuntime(place: OnnxRuntimePlace): FoundOnnxRuntime {
  const { configured, layer_path = '/opt/lib/libonnxruntime.so.1' } = place;
  if (configured !== undefined && configured !== '') {
    if (existsSync(configured)) return { kind: 'found', path: configured, source: 'environment' };
    return { kind: 'missing', reason: `SIGNET_ORT_LIB names \`${configured}\`, which is not there` };
  }
  if (existsSync(layer_path)) return { kind: 'found', path: layer_path, source: 'layer' };
  const pin = pinOf(place);
  if (pin === undefined) {
    const known = Object.keys(pins.platforms).join(', ');
    return {
      kind: 'missing',
      reason: `no ONNX Runtime is pinned for ${place.platform}-${place.arch} (only ${known}); set SIGNET_ORT_LIB`,
    };
  }
  const path = join(place.repository, 'node_modules', pins.package, pin.file);
  if (existsSync(path)) return { kind: 'found', path, source: 'package' };
  return { kind: 'missing', reason: `\`${pins.package}\` is not installed; run npm ci --ignore-scripts` };
}

export type OnnxRuntimeCheck =
  | { readonly kind: 'pinned'; readonly version: string; readonly sha256: string }
  | { readonly kind: 'unpinned'; readonly sha256: string; readonly reason: string };

/** Compares a found library with `layers/onnxruntime/pins.json`. A library of the user's own is `unpinned`, not wrong. */
export async function checkOnnxRuntime(
  path: string,
  machine: { readonly platform: string; readonly arch: string },
): Promise<OnnxRuntimeCheck> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  const sha256 = hash.digest('hex');
  const pin = pinOf(machine);
  if (pin === undefined) return { kind: 'unpinned', sha256, reason: `nothing is pinned for ${machine.platform}` };
  if (sha256 === pin.sha256) return { kind: 'pinned', version: pins.version, sha256 };
  const { size } = await stat(path);
  const expected = `expected SHA-256 ${pin.sha256} (${pins.package} ${pins.version}, ${pin.bytes} bytes)`;
  return { kind: 'unpinned', sha256, reason: `${expected}, got ${sha256} (${size} bytes)` };
}

function pinOf({ platform, arch }: { readonly platform: string; readonly arch: string }) {
  const name = `${platform}-${arch}`;
  return name in pins.platforms ? pins.platforms[name as Platform] : undefined;
}
