import { Argument, Command } from 'commander';
import type { OpenedNode } from '@signet/functions/assembly/open-node.ts';
import { verifyChain } from '@signet/functions/domain/identity/document-chain.ts';
import { listedKeys, rfc3339, type ListedKey } from '@signet/functions/domain/identity/node-document.ts';
import { isSignetError } from '@signet/functions/domain/errors.ts';
import { UnknownKeyError, type ChangedKeys, type NodeKeyRole } from '@signet/functions/domain/identity/node-keys.ts';
import { CommandFailure, exits } from '../failure.ts';
import { readGlobalOptions, withGlobalOptions, type GlobalOptions } from '../global-options.ts';
import { ownerKey } from '../node-access.ts';
import { readPins } from '../pinned-nodes.ts';
import { inOpenedHome } from '../opened-home.ts';
import type { Exit } from '../program.ts';
import { escaped, type Terminal } from '../terminal.ts';

export function identityCommand(terminal: Terminal, _exit: Exit): Command {
  const identity = new Command('identity').description("the node's keys: shown, rotated, revoked").addHelpText(
    'after',
    `
Examples:
  signet identity show                 every key of the nodes that this home trusts
  signet identity rotate issuer        a new issuer key; the old one ends in 24 h
  signet identity revoke z6Mk…         take a key back at once, because it may be in other hands`,
  );
  identity.addCommand(showCommand(terminal));
  identity.addCommand(rotateCommand(terminal));
  identity.addCommand(revokeCommand(terminal));
  return identity;
}

function showCommand(terminal: Terminal): Command {
  const command = new Command('show')
    .description('the keys of the nodes in trust/, from their document chains; opens no socket')
    .addHelpText('after', '\nExample:\n  signet identity show --json');
  return withGlobalOptions(command).action(async () => {
    const globals = readGlobalOptions(command, terminal);
    const pinned = await readPins(globals.home);
    const { openWasmCompute } = await import('@signet/functions/adapters/wasm/wasm-compute.ts');
    const { verify, digest } = await openWasmCompute();
    const nodes = await Promise.all(
      pinned.map(async ({ node_id, documents }) => {
        const judged = await verifyChain({ documents, node_id, verify, digest });
        const keys = judged.ok ? listedKeys(documents.at(-1) ?? {}).map(shownKey) : [];
        const fault = judged.ok ? {} : { fault: judged.detail };
        return { node_id, documents: documents.length, valid: judged.ok, ...fault, keys };
      }),
    );
    if (nodes.length === 0) {
      throw new CommandFailure({
        exit: exits.failed,
        message: `no node is pinned in ${globals.home}/trust; \`signet serve\` makes one`,
      });
    }
    terminal.out(globals.json ? `${JSON.stringify({ nodes }, null, 2)}\n` : nodes.map(describedNode).join('\n'));
  });
}

function rotateCommand(terminal: Terminal): Command {
  const command = new Command('rotate')
    .description('a new key takes over; what the old one signed stays valid')
    .addArgument(new Argument('<role>', 'which key').choices(['root', 'issuer', 'log']))
    .addHelpText('after', '\nExample:\n  signet identity rotate issuer\n\nThe node must not run: the home is opened.');
  return withGlobalOptions(command).action(async (role: NodeKeyRole) => {
    const globals = readGlobalOptions(command, terminal);
    tell(terminal, globals, await inOpenedHome(globals, terminal, (node) => node.nodeKeys.rotate(role)));
  });
}

function revokeCommand(terminal: Terminal): Command {
  const command = new Command('revoke')
    .description('takes a key back without overlap, from the next entry of the log on; a key in use gets a successor')
    .argument('<key>', 'key id `z6Mk…`, of the node or of a managed identity')
    .addHelpText('after', '\nExample:\n  signet identity revoke z6Mk…\n\nThe node must not run: the home is opened.');
  return withGlobalOptions(command).action(async (key_id: string) => {
    const globals = readGlobalOptions(command, terminal);
    tell(terminal, globals, await inOpenedHome(globals, terminal, (node) => revoke(node, globals, key_id)));
  });
}

/** A key of the node document, or else the managed identity of whoever owns the home. */
async function revoke(node: OpenedNode, { home, key: given }: GlobalOptions, key_id: string): Promise<Changed> {
  try {
    return await node.nodeKeys.revoke(key_id);
  } catch (error) {
    const token = given ?? (await ownerKey(home));
    const principal = token === undefined ? undefined : await node.services.apiKeys.authenticate(token);
    if (!(error instanceof UnknownKeyError) || principal === undefined) throw error;
    let n = 0;
    const request_id = node.services.newId();
    const { signal } = new AbortController();
    const call = { principal, request_id, nextStatement: () => n++, depth: 0, signal };
    const { receipt } = await node.services.identities.revoke(call, key_id).catch((cause: unknown) => {
      if (isSignetError(cause) && cause.code === 'identity_not_found') throw error;
      throw cause;
    });
    return { role: 'agent', receipt };
  }
}

/** A managed identity is taken back without a node document. */
type Changed = Omit<ChangedKeys, 'document'> & Partial<Pick<ChangedKeys, 'document'>>;

function tell(terminal: Terminal, { json }: GlobalOptions, { document, role, successor, receipt }: Changed): void {
  const made = {
    ...(document === undefined ? {} : { node_id: document['id'] ?? null, seq: document['seq'] ?? null }),
    role,
    ...(successor === undefined ? {} : { successor }),
    ...(receipt === undefined ? {} : { receipt }),
  };
  if (json) return terminal.out(`${JSON.stringify(made, null, 2)}\n`);
  const lines = [
    document === undefined
      ? `the ${role} key is revoked`
      : `node document ${JSON.stringify(document['seq'])} is signed`,
    ...(successor === undefined ? [] : [`${role} key now ${successor}`]),
    ...(receipt === undefined ? [] : [`receipt ${receipt}`]),
  ];
  terminal.out(`${lines.join('\n')}\n`);
}

interface ShownKey {
  readonly key_id: string;
  readonly role: string;
  readonly state: 'current' | 'retired' | 'revoked';
  /** RFC 3339. */
  readonly not_before: string;
  readonly not_after?: string;
  readonly revoked_at?: ListedKey['revoked_at'];
}

function shownKey({ key_id, role, not_before, not_after, revoked, revoked_at }: ListedKey): ShownKey {
  return {
    key_id,
    role,
    state: revoked ? 'revoked' : not_after === undefined ? 'current' : 'retired',
    not_before: rfc3339(not_before * 1000),
    ...(not_after === undefined ? {} : { not_after: rfc3339(not_after * 1000) }),
    ...(revoked_at === undefined ? {} : { revoked_at }),
  };
}

function describedNode(node: {
  readonly node_id: string;
  readonly documents: number;
  readonly fault?: string;
  readonly keys: readonly ShownKey[];
}): string {
  const head = `${escaped(node.node_id)}  ${node.documents} document${node.documents === 1 ? '' : 's'}`;
  if (node.fault !== undefined) return `${head}  not valid: ${escaped(node.fault)}\n`;
  const rows = node.keys.map(({ role, state, key_id, not_after }) => {
    const end = not_after === undefined ? '' : `  until ${not_after}`;
    return `  ${escaped(role).padEnd(8)} ${state.padEnd(8)} ${escaped(key_id)}${end}`;
  });
  return `${[head, ...rows].join('\n')}\n`;
}
