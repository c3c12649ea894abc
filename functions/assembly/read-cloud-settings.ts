import { isOwnAddress } from './own-address.ts';
import { namedTwice, providersOf, readSignetJson, SettingsError } from './signet-json.ts';
import type { ProviderSettings, SignetJson } from './signet-json.ts';
import { ownAddressesOf, witnessSettingsOf, type WitnessSettings } from './witness-settings.ts';

/** What of `signet.json` holds in the cloud. */
export interface CloudSettings {
  readonly single_user: boolean;
  readonly providers: readonly ProviderSettings[];
  readonly witnessing: WitnessSettings;
}

/**
 * Reads the `signet.json` of the configuration layer, which may be absent.
 * @throws {SettingsError} naming every wrong value at once
 */
export async function readCloudSettings(path: string): Promise<CloudSettings> {
  const problems: string[] = [];
  const file = await readSignetJson(path, problems);
  problems.push(...cloudProblems(file));
  if (problems.length > 0) throw new SettingsError(problems);
  return { single_user: file.single_user ?? true, providers: providersOf(file), witnessing: witnessSettingsOf(file) };
}

/** What is right in the file and wrong in the cloud. */
export function cloudProblems(file: SignetJson): readonly string[] {
  const providers = providersOf(file);
  const local = file.allow_local_addresses === true ? [] : providers.filter(({ base_url }) => isOwnAddress(base_url));
  const witnesses = file.allow_local_addresses === true ? [] : ownAddressesOf(witnessSettingsOf(file));
  return [
    ...namedTwice(providers),
    ...witnesses.map((url) => `expected the witness elsewhere than \`${url}\`: that address is the function's own`),
    ...local.map(
      ({ name, base_url }) =>
        `expected the provider \`${name}\` elsewhere than \`${base_url}\`: a loopback, link-local or metadata address is the function's own; for tests, set \`allow_local_addresses\``,
    ),
  ];
}
