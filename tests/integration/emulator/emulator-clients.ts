import { randomBytes } from 'node:crypto';
import { client_settings } from '../../../functions/adapters/aws/client-settings.ts';

/** Settings of any AWS client that talks to the emulator of `npm run test:integration`. */
export function emulatorSettings() {
  const endpoint = process.env['SIGNET_EMULATOR_URL'];
  if (endpoint === undefined) throw new Error('SIGNET_EMULATOR_URL is not set: run `npm run test:integration`');
  return {
    ...client_settings,
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
}

/** A name that no other test has. */
export function newName(stem: string): string {
  return `${stem}-${randomBytes(6).toString('hex')}`;
}
