/** The package as a project that depends on it gets it: its entries resolve, with types that stand on what it ships. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const TSC = resolve('node_modules/typescript/bin/tsc');
const CONSUMER = 'spec/fixtures/package/consumer.ts';
const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  dependencies: Record<string, string>;
};

/** The fetch classes are those of Node then. */
const WITHOUT_DOM = { lib: ['es2023', 'esnext.disposable'] };

/** Both ways in which TypeScript resolves the `exports` of a package. */
const RESOLUTIONS = {
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
};

/** Packs what would be published, from what is built. */
function unpackInto(folder: string): void {
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder];
  const file = execFileSync('npm', pack, { encoding: 'utf8' }).trim();
  execFileSync('tar', ['-xzf', join(folder, file), '-C', folder, '--strip-components', '1']);
}

/** A project with the package and what it depends on, and nothing else of what lies in the repository. */
class ConsumerProject implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'paceline-consumer-'));

  constructor() {
    const installed = join(this.folder, 'node_modules', 'paceline');
    mkdirSync(installed, { recursive: true });
    unpackInto(installed);
    // Those of Node depend on the last one.
    for (const name of [...Object.keys(dependencies), 'undici-types']) this.#link(name);
    writeFileSync(join(this.folder, 'package.json'), '{ "type": "module" }');
    cpSync(CONSUMER, join(this.folder, 'consumer.ts'));
  }

  /** What the compiler has to say; '' for nothing. */
  compile(resolution: object): string {
    const compilerOptions = {
      ...resolution,
      target: 'es2023',
      strict: true,
      noEmit: true,
      skipLibCheck: false,
    };
    const file = join(this.folder, 'tsconfig.json');
    writeFileSync(file, JSON.stringify({ compilerOptions, files: ['consumer.ts'] }));
    const { stdout, stderr } = spawnSync(process.execPath, [TSC, '-p', file], { encoding: 'utf8' });
    return stdout + stderr;
  }

  /** What a program in it prints. */
  run(program: string): string {
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: this.folder,
      encoding: 'utf8',
    });
    return stdout.trim() + stderr;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }

  #link(name: string): void {
    const link = join(this.folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(resolve('node_modules', name), link);
  }
}

for (const [name, resolution] of Object.entries(RESOLUTIONS)) {
  test(`a program with no types of its own compiles against the package, resolved by ${name}`, () => {
    using project = new ConsumerProject();
    assert.is(project.compile({ ...resolution, types: [] }), '');
    assert.is(project.compile({ ...resolution, ...WITHOUT_DOM, types: [] }), '');
    assert.is(project.compile({ ...resolution, ...WITHOUT_DOM, types: ['node'] }), '');
  });
}

test('the entries load, and nothing else of the package can be imported', () => {
  using project = new ConsumerProject();
  const exported = (entry: string) =>
    project.run(`console.log(Object.keys(await import('${entry}')).sort().join())`);
  assert.is(exported('paceline'), 'PacelineError,createServer,defineApp,defineConfig');
  assert.is(exported('paceline/static'), 'serveFiles');
  assert.match(exported('paceline/dist/lib/server.js'), /ERR_PACKAGE_PATH_NOT_EXPORTED/);
});

test('the types are checked from the sources alone, as in a clone that has not been built', () => {
  const { stdout } = spawnSync(process.execPath, [TSC, '-p', '.', '--listFilesOnly'], { encoding: 'utf8' });
  const files = stdout.trim().split('\n');
  assert.ok(files.includes(resolve('lib/index.ts')));
  assert.equal(
    files.filter((file) => file.startsWith(resolve('dist'))),
    [],
  );
});

test.run();
