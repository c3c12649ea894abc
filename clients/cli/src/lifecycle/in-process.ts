import { findAddon } from '@signet/functions/adapters/native/find-addon.ts';
import { openNativeCompute } from '@signet/functions/adapters/native/native-compute.ts';
import { openWasmCompute } from '@signet/functions/adapters/wasm/wasm-compute.ts';
import type { DigestCompute, VerifyCompute } from '@signet/functions/domain/ports/compute.ts';
import type { GatesCompute } from '@signet/functions/domain/ports/gates-compute.ts';

/** What may compute in this process: the better of what is there, one of the two, or nothing. */
export type ComputeChoice = 'auto' | 'native' | 'wasm' | 'none';

export type InProcess =
  | {
      readonly available: true;
      readonly kind: 'native' | 'wasm';
      readonly verify: VerifyCompute;
      readonly digest: DigestCompute;
      readonly gates: GatesCompute;
    }
  | { readonly available: false; readonly kind: 'none'; readonly reason: string };

/** Opens what the choice allows and asks it for one digest: a build that loads and does not compute is not there. */
export async function openInProcess(choice: ComputeChoice): Promise<InProcess> {
  const reasons: string[] = [];
  for (const kind of choice === 'auto' ? (['native', 'wasm'] as const) : choice === 'none' ? [] : [choice]) {
    try {
      const { verify, digest, gates } = kind === 'native' ? openNative() : await openWasmCompute();
      const [empty] = await digest.digest([new Uint8Array(0)]);
      if (empty?.sha256 !== sha256OfNothing) throw new Error('it computes a wrong digest');
      return { available: true, kind, verify, digest, gates };
    } catch (error) {
      reasons.push(`${kind}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { available: false, kind: 'none', reason: reasons.join('; ') || 'switched off' };
}

const sha256OfNothing = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

function openNative(): ReturnType<typeof openNativeCompute> {
  const addon_path = findAddon();
  if (addon_path === undefined) throw new Error('the addon is not built');
  return openNativeCompute({ addon_path });
}
