import { readFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';

/** In order; the version of a file is how many of them it has seen. A published one is never edited. */
const migrations = ['0001-rows-and-messages.sql'] as const;

/** `SGNT`: tells our files from anybody else's. */
const application_id = 0x53474e54;

/**
 * Brings a file up to this code's schema, one transaction for each migration.
 * Throws `DatabaseRefusedError` for a file that a newer release wrote, or that is not ours, and leaves it untouched.
 */
export function migrate(connection: DatabaseSync): void {
  const version = readNumber(connection, 'user_version');
  const owner = readNumber(connection, 'application_id');
  if (owner !== application_id && (owner !== 0 || version !== 0 || hasTables(connection))) {
    throw new DatabaseRefusedError('the file is an SQLite database, but not one of Signet');
  }
  if (version > migrations.length) {
    throw new DatabaseRefusedError(
      `the file has schema ${version}, this release knows schemas up to ${migrations.length}: use the release that wrote it, or a newer one`,
    );
  }
  migrations.slice(version).forEach((name, index) => {
    const sql = readFileSync(new URL(`./migrations/${name}`, import.meta.url), 'utf8');
    connection.exec(
      `BEGIN IMMEDIATE; ${sql}; PRAGMA user_version = ${version + index + 1}; PRAGMA application_id = ${application_id}; COMMIT`,
    );
  });
}

/** The schema that this code writes. */
export const schema_version = migrations.length;

/** The file exists and must not be used by this code. */
export class DatabaseRefusedError extends Error {
  override readonly name = 'DatabaseRefusedError';
}

function readNumber(connection: DatabaseSync, pragma: 'user_version' | 'application_id'): number {
  return Number(connection.prepare(`PRAGMA ${pragma}`).get()?.[pragma]);
}

function hasTables(connection: DatabaseSync): boolean {
  return connection.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() !== undefined;
}
