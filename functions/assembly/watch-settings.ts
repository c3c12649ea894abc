import { unwatchFile, watchFile, type Stats } from 'node:fs';
import { join } from 'node:path';
import { readSettings, type Settings } from './read-settings.ts';
import { SettingsError } from './signet-json.ts';

const look_every_ms = 1000;

/**
 * Reads the settings anew whenever `signet.json` changes, appears or goes, and hands them over. A file that is wrong
 * changes nothing: `tell` names its faults, and what was read before stays. Polled, because an editor replaces the file and
 * a watch on the old one would hear nothing more.
 * @returns stops the watch
 */
export function watchSettings(request: {
  settings: Pick<Settings, 'home' | 'host' | 'port'>;
  environment: Readonly<Record<string, string | undefined>>;
  onChange: (settings: Settings) => void;
  tell: (line: string) => void;
  every_ms?: number;
}): () => void {
  const { settings, environment, onChange, tell, every_ms = look_every_ms } = request;
  const { home, host, port } = settings;
  const path = join(home, 'signet.json');
  const reload = async (): Promise<void> => {
    try {
      onChange(await readSettings({ environment, overrides: { home, host, port } }));
      tell('signet.json was read again');
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      tell(`signet.json was not taken up: ${error.problems.join('; ')}`);
    }
  };
  const listener = (now: Stats, before: Stats): void => {
    // Called once at the start for a file that is not there.
    if (now.ino === before.ino && now.mtimeMs === before.mtimeMs && now.size === before.size) return;
    void reload().catch((error: unknown) => tell(`signet.json: ${String(error)}`));
  };
  watchFile(path, { interval: every_ms, persistent: false }, listener);
  return () => unwatchFile(path, listener);
}
