import { openSealing } from '../../assembly/open-sealing.ts';
import { readCloudEnvironment } from '../../assembly/read-cloud-environment.ts';
import { lambdaLog, logLevelOf } from '../../hosts/lambda-log.ts';
import { sealLedger } from './handler.ts';

// Awaited while the function initialises: one that cannot be opened says what is missing before anything is asked of it.
const environment = readCloudEnvironment(process.env, 'seal-ledger');
const log = lambdaLog({ level: logLevelOf(process.env) });
const { openSealer, askWitnesses } = await openSealing({ environment, log });

export const handler = sealLedger({ openSealer, askWitnesses, log });
