import { relative } from 'node:path';
import { Command } from 'commander';
import { exits, startFailed } from '../failure.ts';
import { numberBetween, readGlobalOptions, withGlobalOptions } from '../global-options.ts';
import { buildFolder, repository } from '../places.ts';
import type { Exit } from '../program.ts';
import type { Terminal } from '../terminal.ts';

export function serveCommand(terminal: Terminal, exit: Exit): Command {
  const command = new Command('serve')
    .description('start the node in the foreground')
    .option(
      '--port <port>',
      'where it listens (SIGNET_PORT, else 3001; 0 takes a free one)',
      numberBetween(0, 65_535, ''),
    )
    .option('--host <address>', 'address it listens on (SIGNET_HOST, else 127.0.0.1)')
    .addHelpText(
      'after',
      `
Examples:
  signet serve
  signet serve --port 8080 --home /srv/signet
  npm start                            the same, and builds what runs natively beside it

Ctrl-C finishes what is in flight, stores the rest as jobs, and stops.`,
    );
  return withGlobalOptions(command).action(async (options: { port?: number; host?: string }) => {
    const globals = readGlobalOptions(command, terminal);
    // Loaded when needed: the server is most of the program.
    const [{ startNode }, { readSettings }] = await Promise.all([
      import('@signet/functions/assembly/start-node.ts'),
      import('@signet/functions/assembly/read-settings.ts'),
    ]);
    const settings = await readSettings({
      environment: terminal.environment,
      overrides: {
        home: globals.home,
        ...(options.port === undefined ? {} : { port: options.port }),
        ...(options.host === undefined ? {} : { host: options.host }),
      },
    }).catch((error: unknown) => startFailed(error, globals.home));
    const stopping = stopSignal();
    const news = afterWelcome((line) => terminal.note(`[signet] ${line}`));
    const started = await startNode({
      settings,
      environment: terminal.environment,
      build_folder: buildFolder,
      repository,
      tell: news.tell,
    }).catch((error: unknown) => startFailed(error, globals.home));
    const { url, node } = started;
    terminal.out(
      globals.json
        ? `${JSON.stringify({ url, home: globals.home, owner_key: node.owner_key.path, node_id: node.node_id })}\n`
        : welcome(url, node.owner_key.path),
    );
    news.open();
    process.send?.({ url });
    await stopping;
    terminal.note('[signet] stopping: finishing what is in flight');
    await started.stop();
    exit(exits.done);
  });
}

/** Holds lines back until the address was printed: it stands first. */
function afterWelcome(print: (line: string) => void): { tell: (line: string) => void; open: () => void } {
  let held: string[] | undefined = [];
  return {
    tell(line) {
      if (held === undefined) print(line);
      else held.push(line);
    },
    open() {
      for (const line of held ?? []) print(line);
      held = undefined;
    },
  };
}

function welcome(url: string, key_path: string): string {
  const key = relative(process.cwd(), key_path);
  const path = key.startsWith('..') ? key_path : key;
  return `Signet serves on ${url}
the owner's key is in ${path}

try:
  curl -s ${url}/api/v1/status -H "authorization: Bearer $(cat ${path})"
  curl -s ${url}/v1/chat/completions -H "authorization: Bearer $(cat ${path})" -H 'content-type: application/json' -d '{"model": "auto", "messages": [{"role": "user", "content": "What is Signet? Signet is an agent backend that its user owns."}]}'
  npx signet run examples/soma.py
`;
}

/** Resolves at the first signal to stop; the same one again ends the process at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      let seen = false;
      process.on(signal, () => {
        if (seen) process.exit(exits.cancelled);
        seen = true;
        resolve();
      });
    }
  });
}
