/** The database: one file for all threads, opened by each of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

// Node.js 22.13 and later bring SQLite along. For Node.js 20, a package has the same interface.
const { DatabaseSync } = await import('node:sqlite').catch(() => import('@photostructure/sqlite'));

const FILE = process.env.DATABASE ?? fileURLToPath(new URL('shop.db', import.meta.url));

const db = new DatabaseSync(FILE);
// How many milliseconds a thread waits for another one that is writing.
db.exec('PRAGMA busy_timeout = 10000');
await useWriteAheadLog();
db.exec(`
  PRAGMA synchronous = NORMAL;

  -- All threads get here when the server starts; the first one creates the tables and fills them.
  BEGIN IMMEDIATE;
  CREATE TABLE IF NOT EXISTS products (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, cents INTEGER NOT NULL, stock INTEGER NOT NULL
  );
  CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY, product INTEGER NOT NULL REFERENCES products, quantity INTEGER NOT NULL, cents INTEGER NOT NULL
  );
  WITH RECURSIVE ids(id) AS (VALUES (1) UNION ALL SELECT id + 1 FROM ids WHERE id < 500)
  INSERT INTO products SELECT id, 'Product ' || id, 100 + id * 7919 % 9900, 100 FROM ids
  WHERE NOT EXISTS (SELECT 1 FROM products);
  WITH RECURSIVE ids(id) AS (VALUES (1) UNION ALL SELECT id + 1 FROM ids WHERE id < 8000)
  INSERT INTO orders SELECT id, 1 + id % 500, 1, 100 + id * 6151 % 99991 FROM ids
  WHERE NOT EXISTS (SELECT 1 FROM orders);
  COMMIT;
`);

/**
 * With a write-ahead log, readers and a writer do not wait for each other: the shop sells while a report is computed. SQLite itself does
 * not wait where several threads begin one.
 */
async function useWriteAheadLog() {
  for (let tries = 100; ; tries--) {
    try {
      db.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (tries === 0 || !/locked/.test(error.message)) throw error;
      await sleep(20);
    }
  }
}

/** Each statement is prepared once in each thread. */
const statements = new Map();

function prepared(sql) {
  let statement = statements.get(sql);
  if (statement === undefined) {
    statement = db.prepare(sql);
    statements.set(sql, statement);
  }
  return statement;
}

/** @returns all rows */
export const all = (sql, ...values) => prepared(sql).all(...values);

/** @returns the first row, or undefined */
export const get = (sql, ...values) => prepared(sql).get(...values);

/** Runs `body` as a transaction; no other thread writes meanwhile. */
export function inTransaction(body) {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = body();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}
