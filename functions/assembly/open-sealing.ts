import { randomBytes } from 'node:crypto';
import { lambdaKeys } from '../adapters/lambda/lambda-keys.ts';
import type { InvokeFunction } from '../adapters/lambda/function-call.ts';
import { openWasmCompute } from '../adapters/wasm/wasm-compute.ts';
import { loadChain } from '../domain/identity/load-chain.ts';
import { nodeKey } from '../domain/identity/keys.ts';
import { LogKeyMissingError, logIdentityOf, type LogIdentity } from '../domain/ledger/log-identity.ts';
import { makeLog } from '../domain/ledger/make-log.ts';
import { makeSealer, type Sealer } from '../domain/ledger/make-sealer.ts';
import type { PublicKey } from '../domain/ports/keys.ts';
import { cloudInvoke, cloudObjects, cloudTable } from './cloud-adapters.ts';
import type { NodeLog } from './node-log.ts';
import type { EnvironmentOf } from './read-cloud-environment.ts';
import { readCloudSettings } from './read-cloud-settings.ts';

export interface OpenedSealing {
  /** By the node document of now; undefined while that lists no key of a log. */
  readonly openSealer: () => Promise<Sealer | undefined>;
  /** Asks the configured witnesses, if there are some, to cosign what is published; a few seconds at most. */
  readonly askWitnesses: () => Promise<void>;
}

/**
 * What `seal-ledger` needs: rows and objects of the log, and the alias of `sign-envelope` that signs checkpoints. No node:
 * it decides nothing, and is given no right to.
 */
export async function openSealing({
  environment,
  invoke = cloudInvoke(),
  within = (port) => port,
  log: nodeLog = silent,
}: {
  environment: EnvironmentOf<'seal-ledger'>;
  /** Calls `sign-envelope`. Default: Lambda's own interface. */
  invoke?: InvokeFunction;
  /** What stands between the sealer and its storage; nothing, but in tests. */
  within?: <T extends object>(port: T) => T;
  log?: NodeLog;
}): Promise<OpenedSealing> {
  const now = Date.now;
  const { witnessing } = await readCloudSettings(environment.settings);
  const { sign, verify, digest } = await openWasmCompute();
  const table = within(cloudTable(environment));
  const objects = within(cloudObjects(environment));
  const keys = lambdaKeys({
    invoke,
    function_name: environment.fn_sign_envelope,
    roles: ['log'],
    sign,
    verify,
    random: (length) => randomBytes(length),
  });

  let held: readonly PublicKey[] = [];
  let published: Pick<LogIdentity, 'origin' | 'vkeys'> | undefined;
  return {
    /** Reads the documents anew each time: a key that was listed a moment ago signs the next checkpoint. */
    async openSealer() {
      const node_id = (await table.get(nodeKey(), now()))?.['node_id'];
      // Nothing was appended before a node began.
      if (typeof node_id !== 'string') return undefined;
      const document = (await loadChain({ table, verify, digest, now }, node_id)).at(-1) ?? {};
      if (held.length === 0) held = await keys.list('log');
      const log = await logIdentityOf({ document, held, digest, now });
      published = log;
      if (log.vkeys.length === 0) return undefined;
      if (log.signers.length === 0) throw new LogKeyMissingError(log.origin);
      return makeSealer({ table, objects, ledger: verify.ledger, keys, log, now });
    },

    async askWitnesses() {
      if (published === undefined || witnessing.witnesses.length === 0) return;
      const rows = { table, objects, ledger: verify.ledger, now };
      const { cosignerOf, httpWitness } = await loadCosigner();
      const log = makeLog({ ...rows, log: published });
      await cosignerOf({
        ...rows,
        published: log,
        settings: () => witnessing,
        client: httpWitness(),
        log: nodeLog,
      }).round();
    },
  };
}

/** Loaded where witnesses are configured. */
async function loadCosigner() {
  const [{ cosignerOf }, { httpWitness }] = await Promise.all([
    import('./make-witnessing.ts'),
    import('../adapters/http-witness/http-witness.ts'),
  ]);
  return { cosignerOf, httpWitness };
}

const nothing = (): void => undefined;
const silent: NodeLog = { info: nothing, warn: nothing, error: nothing };
