import limits from '@signet/shared/limits.json' with { type: 'json' };
import { ComputeRefusedError } from '../../domain/ports/compute.ts';
import type { OpenedKey, SignCompute } from '../../domain/ports/compute.ts';
import { KeyRefusedError } from '../../domain/ports/keys.ts';
import type { Keys, PublicKey } from '../../domain/ports/keys.ts';

export interface MemoryKeys {
  create(): Promise<PublicKey>;
  has(key_id: string): boolean;
  list(): PublicKey[];
  readonly sealEnvelope: Keys['sealEnvelope'];
  release(key_id: string): Promise<void>;
}

/** Session keys: in the signer's memory, for an hour at most. */
export function memoryKeys({ sign, random }: { sign: SignCompute; random: (bytes: number) => Uint8Array }): MemoryKeys {
  const held = new Map<string, OpenedKey>();

  async function release(key_id: string): Promise<void> {
    const opened = held.get(key_id);
    held.delete(key_id);
    if (opened !== undefined) await sign.closeKey(opened.handle);
  }

  return {
    async create() {
      const seed = random(32);
      const opened = await sign.generateKey({ role: 'session', seed, exportable: false }).finally(() => seed.fill(0));
      held.set(opened.key_id, opened);
      setTimeout(() => void release(opened.key_id), limits.session_s_max * 1000).unref();
      return publicHalf(opened);
    },

    has: (key_id) => held.has(key_id),

    list: () => [...held.values()].map(publicHalf),

    async sealEnvelope({ key_id, payload_type, payload }) {
      const opened = held.get(key_id);
      if (opened === undefined) throw new KeyRefusedError(`no key \`${key_id}\` is here`);
      const payload_json = Buffer.from(JSON.stringify(payload));
      const [outcome] = await sign.sealEnvelopes([{ handle: opened.handle, payload_type, payload_json }]);
      if (outcome === undefined) throw new Error('the signer gave no answer');
      if (outcome.ok) return { entry: outcome.entry, id: outcome.id };
      const message = `the signer refused: \`${outcome.code}\``;
      if (outcome.code === 'key.role') throw new KeyRefusedError(message);
      throw new ComputeRefusedError({ code: outcome.code, index: 0, message });
    },

    release,
  };
}

function publicHalf({ key_id, public_key }: OpenedKey): PublicKey {
  return { key_id, role: 'session', public_key, custody: 'memory' };
}
