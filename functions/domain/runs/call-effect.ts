import type { Call, Now } from '../call.ts';
import { isSignetError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Table } from '../ports/table.ts';
import type { ToolManifest, Tools } from '../tools/tools.ts';
import type { MethodName } from './call-arguments.ts';
import type { PendingChat } from './chat-loop.ts';
import { pendingName } from './keys.ts';
import { getJson } from './long-text.ts';
import type { RunRow } from './run-row.ts';

export interface Effect {
  readonly changes: boolean;
  readonly repeatable: boolean;
}

export const harmless: Effect = { changes: false, repeatable: true };

/**
 * Whether a call may change something outside the run, and whether it may then be made again. Script tools only compute:
 * what they cause, they cause by calls of their own.
 */
export type EffectOf = (call: Call, run: RunRow, method: MethodName, args: JsonObject) => Promise<Effect>;

export function makeEffectOf({ table, tools, now }: { table: Table; tools: Tools; now: Now }): EffectOf {
  return async (call, run, method, args) => {
    if (method === 'tools.call') {
      const own =
        Array.isArray(args.script_tools) &&
        (args.script_tools as readonly Json[]).some((tool) => namesTool(tool, args.name));
      return own ? harmless : effectOfTools(await manifests(call), [args.name]);
    }
    if (method !== 'llm.chat' && method !== 'tool.result') return harmless;
    const offered = method === 'llm.chat' ? offeredTools(run, args) : await offeredBefore(run, args);
    return offered === undefined ? harmless : effectOfTools(await manifests(call), offered);
  };

  async function offeredBefore(run: RunRow, args: JsonObject): Promise<'auto' | readonly Json[] | undefined> {
    if (typeof args.call_id !== 'string' || !/^[A-Za-z0-9-]{1,64}$/.test(args.call_id)) return undefined;
    const place = { tenant: run.tenant, run_id: run.id, name: pendingName(args.call_id) };
    const pending = (await getJson(table, place, now())) as PendingChat | { readonly kind: 'tool' } | undefined;
    return pending?.kind === 'chat' ? pending.request.signet?.tools : undefined;
  }

  /** Whoever may not list tools may not call them either. A table that does not answer is no proof of harmlessness. */
  async function manifests(call: Call): Promise<readonly ToolManifest[]> {
    try {
      return await tools.list(call);
    } catch (error) {
      if (isSignetError(error) && error.code === 'policy_denied') return [];
      throw error;
    }
  }
}

function effectOfTools(known: readonly ToolManifest[], names: 'auto' | readonly (Json | undefined)[]): Effect {
  const offered = known.filter((tool) => names === 'auto' || names.includes(tool.name));
  const changing = offered.filter((tool) => !['none', 'compute', 'read'].includes(tool.side_effects));
  return { changes: changing.length > 0, repeatable: changing.every((tool) => tool.idempotent) };
}

function offeredTools(run: RunRow, args: JsonObject): 'auto' | readonly Json[] | undefined {
  if (args.tools === false) return undefined;
  return Array.isArray(args.tools) ? (args.tools as readonly Json[]) : run.tools;
}

function namesTool(tool: Json, name: Json | undefined): boolean {
  return typeof tool === 'object' && tool !== null && 'name' in tool && tool.name === name;
}
