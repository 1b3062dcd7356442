/** The browser of the specs and of the screenshots: the Chromium of this machine, driven by playwright-core. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const USUAL_PATH = '/usr/bin/chromium';
const NAMES = ['chromium', 'google-chrome'];

/** Shown if there is no Chromium. */
export const HOW_TO_GET_CHROMIUM =
  'there is no Chromium; `apt-get install chromium` brings one, and PACELINE_CHROMIUM=PATH names one that is elsewhere';

/** The path of Chromium, or undefined. If PACELINE_CHROMIUM is set, no other is used: a typo should not test another browser. */
export function findChromium(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const { PACELINE_CHROMIUM: named = '', PATH = '' } = environment;
  if (named !== '') return [named].find(isExecutable);
  const folders = PATH.split(delimiter).filter((folder) => folder !== '');
  const found = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return [USUAL_PATH, ...found].find(isExecutable);
}

/** Starts it without a window. Its downloads are deleted when it closes. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    // The specs run as root in containers, which have neither a sandbox nor a graphics card.
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
