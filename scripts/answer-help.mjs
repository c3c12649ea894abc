// `--help` of the commands that have little to ask. Plain Node 20, no packages.

/**
 * Prints the usage and ends the process if that is all that was asked for. Called before anything is installed, built or
 * started.
 * @param {string} usage
 */
export function answerHelp(usage) {
  if (!process.argv.slice(2).some((word) => word === '--help' || word === '-h')) return;
  process.stdout.write(usage);
  process.exit(0);
}
