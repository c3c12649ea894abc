import { openCloud } from '../../assembly/open-cloud.ts';
import { openLetters } from '../../assembly/open-letters.ts';
import { readCloudEnvironment } from '../../assembly/read-cloud-environment.ts';
import { lambdaLog, logLevelOf } from '../../hosts/lambda-log.ts';
import { productFolder } from '../../hosts/product-folder.ts';
import { advanceRun } from './handler.ts';

// Awaited while the function initialises: one that cannot be opened says what is missing before anything is asked of it.
const environment = readCloudEnvironment(process.env, 'advance-run');
const log = lambdaLog({ level: logLevelOf(process.env) });
const { jobs, wakes } = await openCloud({ environment, repository: productFolder, log });

export const handler = advanceRun({ jobs, letters: openLetters(environment), wakes, log });
