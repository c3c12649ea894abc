import type { Call } from '../call.ts';
import type { Judged } from '../decisions/judge.ts';
import type { Json, JsonObject } from '../json.ts';
import type { ChatTool } from '../chat/chat-types.ts';

export type SideEffects = 'none' | 'compute' | 'read' | 'network' | 'write' | 'filesystem' | 'database' | 'system';

export type ToolTarget =
  | { readonly kind: 'builtin'; readonly name: string }
  /** The `@tool` named `tool` of the stored script with this SHA-256. */
  | { readonly kind: 'script'; readonly digest: string; readonly tool: string }
  | { readonly kind: 'http' | 'lambda' | 'mcp'; readonly [field: string]: Json };

export interface ToolManifest {
  /** `[A-Za-z0-9_.-]{1,64}`, no `__`; `.` becomes `__` towards models. */
  readonly name: string;
  readonly description: string;
  readonly version: string;
  /** JSON Schema 2020-12 of the arguments object. */
  readonly parameters: JsonObject;
  readonly output_schema?: JsonObject;
  readonly side_effects: SideEffects;
  readonly timeout_ms: number;
  readonly idempotent: boolean;
  readonly allow_parallel: boolean;
  readonly target: ToolTarget;
}

export type ToolErrorType =
  | 'tool_not_found'
  | 'invalid_arguments'
  | 'policy_denied'
  | 'timeout'
  | 'execution_error'
  | 'output_invalid'
  | 'limit_exceeded';

/** What goes back to the model (or the caller): a value, or an error it may read; never an exception of the loop. */
export type ToolOutcome =
  | { readonly kind: 'result'; readonly value: Json; readonly truncated: boolean; readonly receipt: string }
  | {
      readonly kind: 'failure';
      readonly error: { readonly type: ToolErrorType; readonly message: string };
      readonly receipt?: string;
    };

export interface Tools {
  list(call: Call): Promise<readonly ToolManifest[]>;
  get(call: Call, name: string): Promise<ToolManifest>;
  /** Creates or replaces. HTTP, Lambda and MCP targets are 501 `not_built` for now. */
  put(call: Call, manifest: ToolManifest): Promise<Judged<ToolManifest>>;
  delete(call: Call, name: string): Promise<Judged<null>>;
  /** The road of a call: exists, JSON, schema, policy, run, output schema, cut to size, receipt. */
  invoke(
    call: Call,
    request: { name: string; arguments_json: string; idempotency_key?: string; deadline_ms?: number },
  ): Promise<ToolOutcome>;
  /** Tools that policy lets this caller call, as a model sees them (`.` written as `__`); forbidden ones are not offered. */
  offered(call: Call, names: readonly string[] | 'auto'): Promise<readonly ChatTool[]>;
  /** Back from the model's name to the registry's. */
  nameFromModel(name: string): string;
}

/** Injected by assembly, so that tools, runs, chat and vectors form no import cycle. */
export interface ToolTargets {
  readonly script: (
    call: Call,
    request: { digest: string; tool: string; args: JsonObject; timeout_ms: number },
  ) => Promise<Json>;
  /** `web.search`, `vectors.query`, `embed`, … by name. Each throws `SignetError` on failure. */
  readonly builtin: ReadonlyMap<
    string,
    { manifest: ToolManifest; run: (call: Call, args: JsonObject) => Promise<Json> }
  >;
}
