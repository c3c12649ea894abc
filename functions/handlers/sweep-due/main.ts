import { openSweep } from '../../assembly/open-sweep.ts';
import { readCloudEnvironment } from '../../assembly/read-cloud-environment.ts';
import { lambdaLog, logLevelOf } from '../../hosts/lambda-log.ts';
import { sweepDue } from './handler.ts';

const environment = readCloudEnvironment(process.env, 'sweep-due');
const log = lambdaLog({ level: logLevelOf(process.env) });

export const handler = sweepDue({ ...openSweep(environment), log });
