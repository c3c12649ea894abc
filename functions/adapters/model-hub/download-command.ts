// node download-command.ts URL TARGET SHA256 BYTES: one pinned file, for build recipes that are plain JavaScript.
import { downloadFile } from './download-file.ts';

const [url, target, sha256, bytes] = process.argv.slice(2);
if (url === undefined || target === undefined || sha256 === undefined || bytes === undefined) {
  console.error('usage: download-command.ts URL TARGET SHA256 BYTES');
  process.exit(2);
}
try {
  const { kind } = await downloadFile({ url, target, sha256, bytes: Number(bytes) });
  console.log(`${target}: ${kind}`);
} catch (error) {
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
  console.error(`${error instanceof Error ? error.message : String(error)}${cause}`);
  process.exitCode = 1;
}
