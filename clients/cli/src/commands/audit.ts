import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { auditLog, continues, judgeHead, type AuditCheck } from '@signet/functions/domain/verify/audit-log.ts';
import { CommandFailure, exits } from '../failure.ts';
import { readGlobalOptions, withGlobalOptions } from '../global-options.ts';
import { logSource } from '../log-source.ts';
import { ownerKey } from '../node-access.ts';
import { readPins, rememberCheckpoint } from '../pinned-nodes.ts';
import type { Exit } from '../program.ts';
import { escaped, type Terminal } from '../terminal.ts';

export function auditCommand(terminal: Terminal, exit: Exit): Command {
  const command = new Command('audit')
    .description('build a whole log again from its entries, and compare')
    .argument('<source>', 'a folder with a log, the home of a node, or the address of a node')
    .option('--consistency <checkpoint...>', 'only prove that the second of two checkpoint files continues the first')
    .addHelpText(
      'after',
      `
Examples:
  signet audit .signet                                     this home's log, from its files
  signet audit http://127.0.0.1:3001 --key sg_…            a node's log, over HTTP
  signet audit .signet --consistency old.txt new.txt

The node must be pinned (\`signet trust pin\`). The newest checkpoint that was accepted is remembered in HOME/trust/seen: a log
that goes back behind it, or does not continue it, is refused.
Exit codes: 0 sound, 2 usage, 3 not pinned, 10 malformed, 11 signature, 12 log, 13 quorum.`,
    );
  return withGlobalOptions(command).action(async (source: string, options: { consistency?: readonly string[] }) => {
    const globals = readGlobalOptions(command, terminal);
    const read = await logSource(source, globals.key ?? (await ownerKey(globals.home)));
    const pins = await readPins(globals.home);
    const { openWasmCompute } = await import('@signet/functions/adapters/wasm/wasm-compute.ts');
    const { verify } = await openWasmCompute();
    if (options.consistency === undefined) {
      const audit = await auditLog({ read, pins, verify });
      if (audit.head !== undefined) await rememberCheckpoint(globals.home, audit.head.node_id, audit.head);
      terminal.out(globals.json ? `${JSON.stringify(audit, null, 2)}\n` : rendered(audit.checks, terminal));
      return exit(audit.exit);
    }
    const [old, next, ...more] = options.consistency;
    if (old === undefined || next === undefined || more.length > 0) {
      throw new CommandFailure({ exit: exits.usage, message: 'expected --consistency OLD NEW' });
    }
    const heads = [];
    for (const path of [old, next]) {
      const head = await judgeHead({ note: await noteOf(path), pins, verify });
      if (!head.ok) {
        terminal.out(rendered([{ name: 'checkpoint', ...head, detail: `${path}: ${head.detail}` }], terminal));
        return exit(head.exit);
      }
      heads.push(head);
    }
    const [before, after] = heads;
    if (before === undefined || after === undefined) throw new Error('two checkpoints were judged');
    const isSame = before.origin === after.origin;
    const ok = isSame && (await continues({ read, verify, old: before, size: after.size, root: after.root }));
    const detail = ok
      ? `${after.size} entries begin with the ${before.size} of before`
      : `${after.size} entries do not continue the ${before.size} of before`;
    const check = { name: 'history', ok, code: ok ? 'ok' : 'log.consistency', detail } as const;
    terminal.out(globals.json ? `${JSON.stringify(check, null, 2)}\n` : rendered([check], terminal));
    return exit(ok ? 0 : 12);
  });
}

function rendered(checks: readonly AuditCheck[], { paint }: Terminal): string {
  const lines = checks.map(({ name, ok, code, detail }) => {
    const mark = ok ? paint.good('ok  ') : paint.bad('FAIL');
    return `${mark} ${name.padEnd(11)} ${ok ? '' : `${code}: `}${escaped(detail)}\n`;
  });
  return lines.join('');
}

async function noteOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    throw new CommandFailure({ exit: exits.usage, message: `expected a checkpoint at \`${path}\`` });
  }
}
