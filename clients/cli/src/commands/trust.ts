import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { verifyChain } from '@signet/functions/domain/identity/document-chain.ts';
import type { VerifyCompute } from '@signet/functions/domain/ports/compute.ts';
import { faultOfHistory, openHead } from '@signet/functions/domain/verify/audit-log.ts';
import { isPolicy, type Pin } from '@signet/functions/domain/verify/pin.ts';
import { CommandFailure, exits } from '../failure.ts';
import { readGlobalOptions, withGlobalOptions } from '../global-options.ts';
import { fetchFrom, logSource } from '../log-source.ts';
import { ownerKey } from '../node-access.ts';
import { readPin, readPins, rememberCheckpoint, writePin } from '../pinned-nodes.ts';
import type { Exit } from '../program.ts';
import type { Terminal } from '../terminal.ts';

export function trustCommand(terminal: Terminal, exit: Exit): Command {
  const trust = new Command('trust').description('whom this home believes');
  trust.addCommand(pinCommand(terminal, exit));
  return trust;
}

function pinCommand(terminal: Terminal, _exit: Exit): Command {
  const command = new Command('pin')
    .description('trust a node: its id, its documents, its log')
    .argument(
      '<source>',
      'the address of a node, or a file with its bundle (GET /log/bundle): {node_id, documents, policy?}',
    )
    .option('--policy <file>', 'a tlog-policy: which witnesses must have cosigned; kept by later pins without one')
    .addHelpText(
      'after',
      `
Examples:
  signet trust pin http://127.0.0.1:3001 --key sg_…
  signet trust pin bundle.json
  signet trust pin https://node.example --policy witnesses.txt

Compare the id that is printed with the one that you were told: by the first pin you decide whom you mean. A node that is
pinned already must continue what is known of it. Exit codes: 0 pinned, 2 usage, 12 its log went back, 13 its witnesses are too few, 14 its documents
do not hold.`,
    );
  return withGlobalOptions(command).action(async (source: string, options: { policy?: string }) => {
    const globals = readGlobalOptions(command, terminal);
    const isUrl = /^https?:/.test(source);
    const key = globals.key ?? (await ownerKey(globals.home));
    const text = isUrl ? await bundleOf(source, key) : await fileText(source, 'a bundle');
    const named = options.policy === undefined ? undefined : await fileText(options.policy, 'a policy');
    const offered = readPin(text, source);
    const { openWasmCompute } = await import('@signet/functions/adapters/wasm/wasm-compute.ts');
    const { verify, digest } = await openWasmCompute();
    const judged = await verifyChain({ documents: offered.documents, node_id: offered.node_id, verify, digest });
    if (offered.documents.length === 0 || !judged.ok) {
      const detail = judged.ok ? 'there is none' : judged.detail;
      throw new CommandFailure({ exit: 14, message: `the documents of ${offered.node_id} do not hold: ${detail}` });
    }
    const known = (await readPins(globals.home)).find(({ node_id }) => node_id === offered.node_id);
    assertContinues(known, offered);
    // A policy is its reader's own: what a node offers never replaces it.
    const policy = named ?? known?.policy ?? (isUrl ? undefined : offered.policy);
    if (named !== undefined) await assertPolicy(named, verify);
    const pin = policy === undefined ? withoutPolicy(offered) : { ...offered, policy };
    const size = isUrl ? await checkLog({ source, key, known, pin, verify, home: globals.home }) : undefined;
    const path = await writePin(globals.home, pin, Date.now());
    const facts = {
      node_id: pin.node_id,
      documents: pin.documents.length,
      ...(size === undefined ? {} : { size }),
      path,
    };
    terminal.out(
      globals.json
        ? `${JSON.stringify(facts, null, 2)}\n`
        : `pinned ${pin.node_id}, ${pin.documents.length} documents${size === undefined ? '' : `, a log of ${size} entries`}\n`,
    );
  });
}

function assertContinues(known: Pin | undefined, offered: Pin): void {
  const isSame = (known?.documents ?? []).every(
    (document, seq) => JSON.stringify(document) === JSON.stringify(offered.documents[seq]),
  );
  if (isSame) return;
  const message = `the documents of ${offered.node_id} are not those that are pinned, and what follows them`;
  throw new CommandFailure({ exit: 14, message });
}

/** The log that is served there, held against what was seen; its size. */
async function checkLog(request: {
  source: string;
  key: string | undefined;
  known: Pin | undefined;
  pin: Pin;
  verify: VerifyCompute;
  home: string;
}): Promise<number> {
  const { source, key, known, pin, verify, home } = request;
  const read = await logSource(source, key);
  const seen = known?.newest === undefined ? pin : { ...pin, newest: known.newest };
  const head = await openHead({ read, pins: [seen], verify });
  if (!head.ok) throw new CommandFailure({ exit: head.exit, message: `${head.code}: ${head.detail}` });
  const fault = await faultOfHistory({ read, verify, pin: seen, size: head.size, root: head.root });
  if (fault !== undefined) throw new CommandFailure({ exit: 12, message: `${fault.code}: ${fault.detail}` });
  await rememberCheckpoint(home, pin.node_id, head);
  return head.size;
}

async function bundleOf(source: string, key: string | undefined): Promise<string> {
  const bytes = await fetchFrom(`${source.replace(/\/+$/, '')}/log/bundle`, key);
  if (bytes !== undefined) return new TextDecoder().decode(bytes);
  throw new CommandFailure({ exit: exits.failed, message: `expected ${source}/log/bundle, the node has none` });
}

/** What a node says of whom to ask for is not taken from it: it would ask for nobody. */
function withoutPolicy({ node_id, documents }: Pin): Pin {
  return { node_id, documents };
}

async function assertPolicy(policy: string, { ledger }: VerifyCompute): Promise<void> {
  if (await isPolicy(ledger, policy)) return;
  throw new CommandFailure({
    exit: exits.usage,
    message: 'expected a tlog-policy: `witness`, `group` and one `quorum` line',
  });
}

async function fileText(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    throw new CommandFailure({ exit: exits.usage, message: `expected ${what} at \`${path}\`` });
  }
}
