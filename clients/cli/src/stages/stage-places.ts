import { join } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { stageName } from '../../../../infra/config.ts';
import { repository } from '../places.ts';

/** Where the things of a stage stand on this machine. */
export interface StagePlaces {
  /** Its own home, 0700: root key, owner's key, pinned node. Nothing of it is ever sent. */
  readonly home: string;
  /** 0700; the root key as PEM, 0600. */
  readonly identities: string;
  /** The owner's API key, 0600. */
  readonly owner_key: string;
  /** What was published, kept beside the key that signed it. */
  readonly genesis_kept: string;
  /** Public, belongs into version control, and is deployed with the functions. */
  readonly genesis: string;
  /** What `cdk deploy --outputs-file` wrote about the State stack. */
  readonly outputs: string;
}

/** @param request.home of this machine; its stages stand in `stages/` */
export function stagePlaces({ home, stage }: { home: string; stage: string }): StagePlaces {
  const own = join(home, 'stages', stage);
  return {
    home: own,
    identities: join(own, 'identities'),
    owner_key: join(own, 'owner.key'),
    genesis_kept: join(own, 'genesis.json'),
    genesis: join(repository, 'infra', 'genesis', `${stage}.json`),
    outputs: join(own, 'state-outputs.json'),
  };
}

/** For an option of a command. */
export function readStageName(text: string): string {
  const parsed = stageName.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError('expected 1 to 20 characters `a-z 0-9 -` that begin with a letter, such as dev.');
}
