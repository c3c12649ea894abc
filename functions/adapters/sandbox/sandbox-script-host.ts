import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { JsonObject } from '../../domain/json.ts';
import { CapabilityUnavailableError } from '../../domain/ports/compute.ts';
import type {
  AnswerCall,
  ScriptCompletion,
  ScriptEvent,
  ScriptHost,
  ScriptStart,
} from '../../domain/ports/script-host.ts';
import { cancelledCompletion, SandboxProcess, type SandboxLog } from './sandbox-process.ts';

export interface SandboxScriptHostOptions {
  /** `signet-sandbox`, and the image that it loads if its bytes have this SHA-256. */
  readonly executable_path: string;
  readonly image_path: string;
  readonly image_sha256: string;
  readonly answerCall: AnswerCall;
  /** Processes at once; each serves one tenant. */
  readonly processes_max?: number;
  /** An idle process ends after this long. */
  readonly idle_ms?: number;
  readonly log?: SandboxLog;
}

export interface SandboxScriptHost extends ScriptHost {
  status(): JsonObject;
}

/**
 * Runs scripts in supervised `signet-sandbox` processes, one per tenant, started when first needed. Runs over the process
 * limit wait for a place in order. Neither scripts nor tokens are logged.
 */
export function sandboxScriptHost(options: SandboxScriptHostOptions): SandboxScriptHost {
  const { processes_max = 8, idle_ms = 60_000 } = options;
  const tenants = new Map<string, Tenant>();
  const runs = new Map<string, Tenant>();
  let hello: JsonObject | undefined;
  let lost = 0;
  let is_closed = false;

  async function start(run: ScriptStart, onEvent: (event: ScriptEvent) => void): Promise<ScriptCompletion> {
    if (is_closed) throw unavailable('the node is stopping');
    if (runs.has(run.run_id)) throw new Error(`run ${run.run_id} is running already`);
    const tenant = tenantOf(run.tenant);
    runs.set(run.run_id, tenant);
    clearTimeout(tenant.idle);
    if (!(await turn(tenant, run.run_id))) {
      runs.delete(run.run_id);
      return cancelledCompletion(options.image_sha256);
    }
    try {
      return await processOf(tenant).start(run, onEvent);
    } finally {
      runs.delete(run.run_id);
      leave(tenant);
    }
  }

  function tenantOf(name: string): Tenant {
    const known = tenants.get(name);
    if (known !== undefined) return known;
    if (tenants.size >= processes_max) evictIdle();
    const tenant: Tenant = { name, taken: 0, waiting: [] };
    tenants.set(name, tenant);
    return tenant;
  }

  /** Another tenant's idle process makes room; its memory has nothing of the new one. */
  function evictIdle(): void {
    const idle = [...tenants.values()].find(({ taken, waiting }) => taken === 0 && waiting.length === 0);
    if (idle === undefined) {
      throw unavailable(`all ${processes_max} sandbox processes are taken by other tenants`);
    }
    retire(idle);
  }

  function processOf(tenant: Tenant): SandboxProcess {
    if (is_closed) throw unavailable('the node is stopping');
    tenant.process ??= open(tenant);
    return tenant.process;
  }

  function open(tenant: Tenant): SandboxProcess {
    const process = new SandboxProcess({
      ...options,
      onHello: (words) => (hello = words),
      onExit: () => {
        if (tenant.process !== process) return;
        delete tenant.process;
        if (!is_closed) lost += 1;
      },
    });
    return process;
  }

  /** Hands the place to the next in line: given back first, a newcomer could take it and be one too many. */
  function leave(tenant: Tenant): void {
    const next = tenant.waiting.shift();
    if (next !== undefined) {
      next.resolve(true);
      return;
    }
    tenant.taken -= 1;
    if (tenant.taken > 0 || is_closed) return;
    clearTimeout(tenant.idle);
    tenant.idle = setTimeout(() => retire(tenant), idle_ms);
    tenant.idle.unref();
  }

  function retire(tenant: Tenant): void {
    clearTimeout(tenant.idle);
    tenants.delete(tenant.name);
    const { process } = tenant;
    delete tenant.process;
    void process?.close();
  }

  return {
    start,
    async cancel(run_id) {
      const tenant = runs.get(run_id);
      const waiting = tenant?.waiting.findIndex((one) => one.run_id === run_id) ?? -1;
      if (tenant !== undefined && waiting >= 0) {
        tenant.waiting.splice(waiting, 1)[0]?.resolve(false);
        return;
      }
      tenant?.process?.cancel(run_id);
    },
    async close() {
      is_closed = true;
      const all = [...tenants.values()];
      for (const { idle, waiting } of all) {
        clearTimeout(idle);
        for (const one of waiting.splice(0)) one.resolve(false);
      }
      await Promise.all(all.flatMap(({ process }) => process?.close() ?? []));
      tenants.clear();
    },
    status() {
      const processes = [...tenants.values()].filter(({ process }) => process !== undefined);
      return {
        image: options.image_sha256,
        processes: processes.length,
        runs: runs.size,
        lost,
        pids: processes.flatMap(({ process }) => process?.pid ?? []),
        ...(hello === undefined ? {} : { process: hello }),
      };
    },
  };
}

interface Tenant {
  readonly name: string;
  /** Runs in the process; those in `waiting` are not among them. */
  taken: number;
  readonly waiting: { readonly run_id: string; readonly resolve: (may_run: boolean) => void }[];
  process?: SandboxProcess;
  idle?: NodeJS.Timeout;
}

/** Resolves when the run has a place in the process; false if it was cancelled while it waited. */
function turn(tenant: Tenant, run_id: string): boolean | Promise<boolean> {
  if (tenant.taken >= limits.runs.per_process) {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    tenant.waiting.push({ run_id, resolve });
    return promise;
  }
  tenant.taken += 1;
  return true;
}

function unavailable(reason: string): CapabilityUnavailableError {
  return new CapabilityUnavailableError('run', { served_by: 'unavailable', reason, ready_in_s: 1 });
}
