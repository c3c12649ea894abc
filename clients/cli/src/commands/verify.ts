import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import type { RecomputedVerdict } from '@signet/functions/domain/gates/recompute-verdict.ts';
import type { Pin } from '@signet/functions/domain/verify/pin.ts';
import { isLogProof, verifyLogProof, type LogVerdict } from '@signet/functions/domain/verify/verify-log-proof.ts';
import { verifyReceipt, type Verdict } from '@signet/functions/domain/verify/verify-receipt.ts';
import { CommandFailure, exits } from '../failure.ts';
import { readGlobalOptions, withGlobalOptions } from '../global-options.ts';
import { readPins, rememberCheckpoint } from '../pinned-nodes.ts';
import type { Exit } from '../program.ts';
import { escaped, type Terminal } from '../terminal.ts';
import { recompute } from './recompute.ts';

interface VerifyOptions {
  readonly node?: readonly string[];
  readonly content?: readonly string[];
  readonly recompute?: string;
}

export function verifyCommand(terminal: Terminal, exit: Exit): Command {
  const command = new Command('verify')
    .description('check a receipt, offline: no socket is opened')
    .argument('<file>', 'the receipt, or - for stdin')
    .option('--node <did>', 'the node it should be of, besides those pinned in trust/; repeat for more', collect)
    .option('--content <file>', 'a content record to compare with the digests; repeat for more', collect)
    .option('--recompute <file>', 'the text of a gate verdict, or its content record: compute the verdict again')
    .addHelpText(
      'after',
      `
Examples:
  curl -s -H "authorization: Bearer $(cat .signet/owner.key)" localhost:3001/api/v1/receipts/ID > receipt
  signet verify receipt
  signet verify receipt.json --node did:key:z6Mk…
  signet verify verdict.json --recompute text.md

A receipt is a tlog-proof text, or JSON while the log does not have it yet; both are read. Pinned are the nodes in
HOME/trust/*.json ({"node_id", "documents"?, "policy"?}); a node pins itself there when it starts, \`signet trust pin\`
pins others.
Exit codes: 0 valid, 2 usage, 3 not pinned, 10 malformed, 11 signature, 12 log proof, 13 quorum, 14 identity, 15 content.`,
    );
  return withGlobalOptions(command).action(async (file: string, options: VerifyOptions) => {
    const globals = readGlobalOptions(command, terminal);
    const bytes = file === '-' ? new TextEncoder().encode(await text(process.stdin)) : await fileBytes(file);
    const content = await Promise.all((options.content ?? []).map(fileBytes));
    const named = (options.node ?? []).map((given) => ({ node_id: nodeId(given), documents: [] }));
    const pins: readonly Pin[] = [...(await readPins(globals.home)), ...named];
    // Loaded when needed, since it compiles a module.
    const { openWasmCompute } = await import('@signet/functions/adapters/wasm/wasm-compute.ts');
    const { verify, digest, gates } = await openWasmCompute();
    const verdict: LogVerdict = isLogProof(bytes)
      ? await verifyLogProof({ bytes, pins, verify, digest, content })
      : await verifyReceipt({
          bytes,
          verify,
          digest,
          trust: pins.map(({ node_id }) => node_id),
          chains: pins.map(({ documents }) => documents).filter(({ length }) => length > 0),
          content,
        });
    if (verdict.checkpoint !== undefined && verdict.exit === 0) {
      await rememberCheckpoint(globals.home, verdict.checkpoint.node_id, verdict.checkpoint);
    }
    const recomputed =
      options.recompute === undefined || !verdict.valid
        ? undefined
        : await recompute(verdict.statement, await fileBytes(options.recompute), gates);
    const told = recomputed === undefined ? verdict : { ...verdict, recomputed };
    terminal.out(globals.json ? `${JSON.stringify(told, null, 2)}\n` : rendered(verdict, recomputed, terminal));
    exit(recomputed?.same === false ? 15 : verdict.exit);
  });
}

function rendered(verdict: Verdict, recomputed: RecomputedVerdict | undefined, { paint }: Terminal): string {
  const checks = verdict.checks.map(({ name, ok, code, detail }) => {
    const mark = ok ? paint.good('ok  ') : paint.bad('FAIL');
    return `${mark} ${name.padEnd(11)} ${ok ? '' : `${code}: `}${escaped(detail)}`;
  });
  const head = verdict.receipt_id === undefined ? [] : [`receipt ${verdict.receipt_id}`];
  const advice =
    verdict.exit === 3
      ? ['if this is the node you mean, pin it (signet trust pin URL|FILE), or name it for JSON by --node']
      : [];
  const again =
    recomputed === undefined
      ? []
      : recomputed.same
        ? [`${paint.good('ok  ')} recomputed  the verdict comes out as it was recorded`]
        : [`${paint.bad('FAIL')} recomputed  ${escaped(recomputed.reason ?? '')}`];
  const end = verdict.valid && verdict.exit === 0 ? paint.good('valid') : paint.bad(`not accepted: ${verdict.code}`);
  return `${[...checks, ...again, ...head, end, ...advice].join('\n')}\n`;
}

async function fileBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : code;
    throw new CommandFailure({ exit: exits.usage, message: `expected a file at \`${path}\`: ${reason}` });
  }
}

function nodeId(given: string): string {
  if (/^did:key:z[1-9A-HJ-NP-Za-km-z]{20,}$/.test(given)) return given;
  throw new CommandFailure({ exit: exits.usage, message: `expected --node did:key:z…, got \`${escaped(given)}\`` });
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}
