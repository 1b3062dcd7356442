/** The dashboard's options for a run of the command. */
import { readFileSync } from 'node:fs';
import { checkToken } from '../options/dashboard-token.js';
import { DASHBOARD_DEFAULT } from '../options/option-table.js';
import type { DashboardOptions } from '../options/server-options.js';
import { optionError } from '../options/validate.js';
import type { Settings } from './command.js';

/**
 * Falls back to any free port only for the default address: a port that the user named must be available.
 *
 * @throws PacelineError `PACELINE_OPTION` for a file without a token
 */
export function dashboardOptions({
  dashboard,
  dashboardToken,
  dashboardTokenFile,
  dashboardShowQueries,
}: Pick<Settings, 'dashboard' | 'dashboardToken' | 'dashboardTokenFile' | 'dashboardShowQueries'>):
  | DashboardOptions
  | false {
  if (dashboard === 'off') return false;
  const place = dashboard ?? { ...DASHBOARD_DEFAULT, anyPortIfTaken: true };
  const token = dashboardToken ?? (dashboardTokenFile && tokenOf(dashboardTokenFile));
  return { ...place, token, showQueries: dashboardShowQueries };
}

/** The token of a file, which an editor has usually ended with a line break. */
function tokenOf(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw optionError(
      `the file ${file} of the dashboard's token cannot be read (${code}); name a file that this user may read`,
      { cause },
    );
  }
  return checkToken(text.trimEnd(), `what the file ${file} has`);
}
