/** Takes a home, prints the outcome, and holds it until it is killed. Argument: the home. */
import { HomeInUseError, lockHome } from './lock-home.ts';

const [home = ''] = process.argv.slice(2);
try {
  await lockHome({ home, facts: { port: 1, started_at: Date.now() } });
  console.log('held');
} catch (cause) {
  console.log(cause instanceof HomeInUseError ? 'in use' : String(cause));
}
setInterval(() => undefined, 60_000);
