/** The suites: how their packages run them, and what their copies may lack. */

export interface NodeSuite {
  /** The package that is tested, and the folder of its tests among the suites. */
  readonly name: string;
  /** Options of Node that its own test command gives. */
  readonly nodeOptions: readonly string[];
  /** Options of mocha that its own test command gives. */
  readonly mochaOptions: readonly string[];
  /** Which files of its `test` folder hold tests. The others are helpers, or need the network or more than the package has. */
  readonly isTest: (file: string) => boolean;
  /** Files that tests read and that a copy may lack, by path in the package's folder. */
  readonly standIns: Readonly<Record<string, string>>;
}

export const SUITES: readonly NodeSuite[] = [
  {
    name: 'express',
    nodeOptions: [],
    mochaOptions: ['--require', './test/support/env.js', '--check-leaks'],
    // Those in test/acceptance start the programs in examples/, which the package does not have.
    isTest: (file) => file.endsWith('.js'),
    standIns: {
      'test/fixtures/user.html': '<p>{{user.name}}</p>',
      'test/fixtures/todo.html': '<li>groceries</li>',
      'test/fixtures/users/index.html': '<p>tobi, loki, jane</p>',
    },
  },
  {
    name: 'ws',
    nodeOptions: ['--throw-deprecation'],
    mochaOptions: [],
    isTest: (file) => file.endsWith('.test.js'),
    standIns: {},
  },
];
