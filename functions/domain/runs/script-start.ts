import type { Call, Now } from '../call.ts';
import type { ScriptStart } from '../ports/script-host.ts';
import type { Table } from '../ports/table.ts';
import { sourceOf } from '../scripts/source-item.ts';
import type { Tools } from '../tools/tools.ts';
import { textKey } from './keys.ts';
import { getJson, putJson } from './long-text.ts';
import type { RunRow } from './run-row.ts';
import { isOfScript } from './script-tools.ts';

export interface StartParts {
  readonly table: Table;
  readonly tools: Tools;
  readonly now: Now;
}

/** They travel in a header of 64 KiB. A chat looks up the names that it offers in any case. */
const registry_names_max = 512;

/** What an engine needs of a run; the token is the attempt's. */
export async function scriptStart(parts: StartParts, run: RunRow, token: string): Promise<ScriptStart> {
  const { table, now } = parts;
  const source = await table.get(textKey(run.tenant, run.id, 'script', 0), now());
  const input = await getJson(table, { tenant: run.tenant, run_id: run.id, name: 'input' }, now());
  if (source === undefined || run.seed === undefined || run.clock_base_ms === undefined) {
    throw new Error(`run ${run.id} lacks its script or its seed`);
  }
  return {
    run_id: run.id,
    tenant: run.tenant,
    token,
    script: sourceOf(source),
    file_name: run.file_name,
    argv: run.argv,
    input: input ?? null,
    seed: run.seed,
    clock_base_ms: run.clock_base_ms,
    dry_run: false,
    limits: run.limits,
    registry_tools: await registryNames(parts, run),
    ...(run.call_tool === undefined ? {} : { call_tool: run.call_tool }),
  };
}

/** Names that the script's tools may not take, as they were at the first attempt: a resumed run takes the same road. */
async function registryNames({ table, now, tools }: StartParts, run: RunRow): Promise<readonly string[]> {
  const place = { tenant: run.tenant, run_id: run.id, name: 'registry-tools' };
  const known = await getJson(table, place, now());
  if (known !== undefined) return known as readonly string[];
  const call: Call = {
    principal: { kind: 'run', id: run.id, tenant: run.tenant, scopes: run.scopes },
    request_id: run.request_id,
    nextStatement: () => run.attempt * 1e10,
    depth: run.depth + 1,
    signal: new AbortController().signal,
  };
  // Whoever may not list tools learns no names; each call of theirs is judged by itself in any case.
  const manifests = await tools.list(call).catch(() => []);
  const names = manifests
    .filter((manifest) => !isOfScript(manifest, run.script_digest))
    .map(({ name }) => name)
    .slice(0, registry_names_max);
  await table.transact(putJson(place, names, run.expires_at), now());
  return names;
}
