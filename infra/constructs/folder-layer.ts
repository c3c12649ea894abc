import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Architecture, Code, LayerVersion } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';

/** What Lambda takes of a function and its layers together, unpacked. */
export const unpacked_bytes_max = 262_144_000;

/** A function with its layers is larger than Lambda takes: said here, not by a deploy that fails half an hour later. */
export class FunctionTooLargeError extends Error {
  override readonly name = 'FunctionTooLargeError';

  constructor({ name, bytes }: { readonly name: string; readonly bytes: number }) {
    super(`expected \`${name}\` and its layers to be at most ${unpacked_bytes_max} bytes unpacked, got ${bytes}`);
  }
}

/** A layer made of a folder: its files stand below `/opt`. */
export class FolderLayer extends LayerVersion {
  readonly unpacked_bytes: number;

  constructor(
    scope: Construct,
    id: string,
    props: { readonly folder: string; readonly description: string; readonly architecture: Architecture },
  ) {
    const { folder, description, architecture } = props;
    super(scope, id, { code: Code.fromAsset(folder), description, compatibleArchitectures: [architecture] });
    this.unpacked_bytes = bytesBelow(folder);
  }
}

/**
 * @throws {FunctionTooLargeError}
 */
export function assertFits(request: {
  readonly name: string;
  readonly code: string;
  readonly layers: readonly FolderLayer[];
}): void {
  const { name, code, layers } = request;
  const bytes = layers.reduce((sum, layer) => sum + layer.unpacked_bytes, bytesBelow(code));
  if (bytes > unpacked_bytes_max) throw new FunctionTooLargeError({ name, bytes });
}

function bytesBelow(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(folder, name)))
    .filter((found) => found.isFile())
    .reduce((sum, { size }) => sum + size, 0);
}
