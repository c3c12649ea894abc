import type { Call, NewId, Now } from '../call.ts';
import type { Judge, Judgement } from '../decisions/judge.ts';
import { isSignetError, SignetError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import { allRows } from '../ports/all-rows.ts';
import type { Table } from '../ports/table.ts';
import { checkManifest } from './check-manifest.ts';
import { compileSchema } from './compile-schema.ts';
import { cutResult } from './cut-result.ts';
import { toolKey, toolPartition } from './keys.ts';
import { readArgumentsJson } from './read-arguments-json.ts';
import { runTool } from './run-tool.ts';
import { nameForModel, nameFromModel } from './tool-names.ts';
import type { ToolErrorType, ToolManifest, ToolOutcome, Tools, ToolTargets } from './tools.ts';

/** The part of `shared/limits.json` that tools need: its `chat` and its depth of nesting. */
export interface ToolLimits {
  readonly chat: {
    readonly tool_ms_max: number;
    readonly arguments_bytes_max: number;
    readonly tool_result_bytes_max: number;
  };
  readonly nesting_depth_max: number;
}

/** An outcome whose receipt is not written yet. */
type Unsealed =
  | Omit<Extract<ToolOutcome, { kind: 'result' }>, 'receipt'>
  | Omit<Extract<ToolOutcome, { kind: 'failure' }>, 'receipt'>;

/** The registry of a tenant (built-in tools and stored manifests) and the road of a call. The contract is in `tools.ts`. */
export function makeTools({
  table,
  judge,
  now,
  newId,
  targets,
  limits,
}: {
  table: Table;
  judge: Judge;
  now: Now;
  newId: NewId;
  targets: ToolTargets;
  limits: ToolLimits;
}): Tools {
  const builtins = new Map([...targets.builtin.values()].map(({ manifest }) => [manifest.name, manifest]));

  async function find(tenant: string, name: string): Promise<ToolManifest | undefined> {
    const builtin = builtins.get(name);
    if (builtin !== undefined) return builtin;
    if (name === '' || name.length > 64) return undefined;
    const item = await table.get(toolKey(tenant, name), now());
    return item === undefined ? undefined : (item['manifest'] as unknown as ToolManifest);
  }

  async function all(tenant: string): Promise<readonly ToolManifest[]> {
    const manifests = [...builtins.values()];
    for await (const { item } of allRows(table, { pk: toolPartition(tenant), limit: 1000 }, now)) {
      manifests.push(item['manifest'] as unknown as ToolManifest);
    }
    return manifests.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  async function found(call: Call, name: string): Promise<ToolManifest> {
    const manifest = await find(call.principal.tenant, name);
    if (manifest === undefined) throw notFound(name);
    return manifest;
  }

  return {
    list: (call) => all(call.principal.tenant),

    get: found,

    async put(call, manifest) {
      checkManifest(manifest, { builtin: targets.builtin, timeout_ms_max: limits.chat.tool_ms_max });
      const request = manifest as unknown as JsonObject;
      const facts = { operation: 'put', side_effects: manifest.side_effects, target: manifest.target.kind };
      return judge.decide(call, { ...managing(manifest.name), facts, request }, async () => {
        if (builtins.has(manifest.name)) {
          throw new SignetError({
            code: 'tool_exists',
            detail: `\`${manifest.name}\` is built in; choose another name`,
          });
        }
        const item = { manifest: request, updated_at: now() };
        await table.write({ kind: 'put', key: toolKey(call.principal.tenant, manifest.name), item }, now());
        return { value: manifest, outcome: { detail: { version: manifest.version } } };
      });
    },

    async delete(call, name) {
      await found(call, name);
      return judge.decide(call, { ...managing(name), facts: { operation: 'delete' } }, async () => {
        if (builtins.has(name)) {
          throw new SignetError({ code: 'tool_exists', detail: `\`${name}\` is built in and cannot be deleted` });
        }
        await table.write({ kind: 'delete', key: toolKey(call.principal.tenant, name) }, now());
        return { value: null, outcome: {} };
      });
    },

    async invoke(call, { name, arguments_json, deadline_ms }) {
      const manifest = await find(call.principal.tenant, name);
      if (manifest === undefined) return failure('tool_not_found', `no tool \`${name.slice(0, 80)}\` here`);
      const read = readArgumentsJson(arguments_json, limits.chat.arguments_bytes_max);
      if (read.kind === 'refused') return failure('invalid_arguments', read.reason);
      const compiled = compileSchema(manifest.parameters);
      if (compiled.kind === 'refused') return failure('invalid_arguments', compiled.reason);
      const faults = compiled.validate(read.args);
      if (faults.length > 0) return failure('invalid_arguments', faults.join('; '));
      if (call.depth >= limits.nesting_depth_max) {
        return failure('limit_exceeded', `calls nest at most ${limits.nesting_depth_max} deep`);
      }

      const { tool_ms_max, tool_result_bytes_max } = limits.chat;
      const timeout_ms = Math.max(1, Math.min(manifest.timeout_ms, tool_ms_max, deadline_ms ?? tool_ms_max));
      try {
        const judged = await judge.decide<Unsealed>(call, calling(manifest, read.args), async () => {
          const run = await runTool({ call, manifest, args: read.args, timeout_ms, targets, newId });
          const detail = { tool_version: manifest.version, attempts: run.attempts };
          if (run.kind === 'failure') {
            const value = failure(run.type, run.message);
            return { value, outcome: { finish: run.type, detail, response: { error: { ...value.error } } } };
          }
          const cut = cutResult(run.value, tool_result_bytes_max);
          const value: Unsealed = { kind: 'result', value: cut.value, truncated: cut.truncated };
          return { value, outcome: { finish: 'result', detail: { ...detail, bytes: cut.bytes }, response: cut.value } };
        });
        return { ...judged.value, receipt: judged.receipt };
      } catch (error) {
        // The refusal of policy is an answer that the model reads; anything else ends the request.
        if (!isSignetError(error) || error.code !== 'policy_denied') throw error;
        return {
          ...failure('policy_denied', error.public.detail),
          ...(error.receipt === undefined ? {} : { receipt: error.receipt }),
        };
      }
    },

    async offered(call, names) {
      const tenant = call.principal.tenant;
      const manifests =
        names === 'auto' ? await all(tenant) : await Promise.all([...new Set(names)].map((name) => found(call, name)));
      return manifests
        .filter((manifest) => judge.permits(call, calling(manifest)))
        .map((manifest) => ({
          type: 'function' as const,
          function: {
            name: nameForModel(manifest.name),
            description: manifest.description,
            parameters: manifest.parameters,
          },
        }));
    },

    nameFromModel,
  };
}

function managing(name: string): Pick<Judgement, 'action' | 'resource'> {
  return { action: 'manageTools', resource: { type: 'Tool', id: name } };
}

function calling({ name, side_effects, target }: ToolManifest, args?: Json): Judgement {
  return {
    action: 'callTool',
    resource: { type: 'Tool', id: name },
    facts: { side_effects, target: target.kind },
    ...(args === undefined ? {} : { request: { name, arguments: args } }),
  };
}

function failure(type: ToolErrorType, message: string): Extract<ToolOutcome, { kind: 'failure' }> {
  return { kind: 'failure', error: { type, message } };
}

function notFound(name: string): SignetError {
  return new SignetError({
    code: 'tool_not_found',
    detail: `no tool \`${name.slice(0, 80)}\` here; GET /api/v1/tools lists them`,
  });
}
