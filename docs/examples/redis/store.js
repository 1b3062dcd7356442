/** The data: one SQLite database for all threads. Each thread has a connection of its own to it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

// Node.js 22.13 and later bring SQLite along. For Node.js 20, a package has the same interface.
const { DatabaseSync } = await import('node:sqlite').catch(() => import('@photostructure/sqlite'));

const FILE = process.env.STORE ?? fileURLToPath(new URL('store.db', import.meta.url));

const db = new DatabaseSync(FILE);
// How many milliseconds a thread waits for another one that is writing.
db.exec('PRAGMA busy_timeout = 10000');
await useWriteAheadLog();
db.exec(`
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, value BLOB NOT NULL, expires_at INTEGER) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS expiring ON entries (expires_at) WHERE expires_at IS NOT NULL;
`);

/** With a write-ahead log, readers and a writer do not wait for each other. SQLite itself does not wait where several threads begin one. */
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

const ALIVE = `(expires_at IS NULL OR expires_at > unixepoch('subsec') * 1000)`;
const selectOne = db.prepare(`SELECT value, expires_at AS expiresAt FROM entries WHERE key = ? AND ${ALIVE}`);
const selectKeys = db.prepare(`SELECT key FROM entries WHERE CAST(key AS TEXT) GLOB ? AND ${ALIVE}`);
const selectCount = db.prepare(`SELECT count(*) AS count FROM entries WHERE ${ALIVE}`);
const upsert = db.prepare('INSERT OR REPLACE INTO entries (key, value, expires_at) VALUES (?, ?, ?)');
const remove = db.prepare(`DELETE FROM entries WHERE key = ? AND ${ALIVE}`);
const removeExpired = db.prepare("DELETE FROM entries WHERE expires_at <= unixepoch('subsec') * 1000");
const removeAll = db.prepare('DELETE FROM entries');

/** @returns the value's bytes, or null */
export const get = (key) => selectOne.get(key)?.value ?? null;

export const has = (key) => selectOne.get(key) !== undefined;

/** @param pattern as SQLite's GLOB takes it: `*`, `?` and `[a-z]` */
export const keys = (pattern) => selectKeys.all(pattern).map(({ key }) => key);

export const size = () => selectCount.get().count;

/** Milliseconds until the key expires; -1 where it does not, -2 where there is none. */
export function timeToLiveMs(key) {
  const entry = selectOne.get(key);
  if (entry === undefined) return -2;
  return entry.expiresAt === null ? -1 : Math.max(0, entry.expiresAt - Date.now());
}

/** @returns whether there was one */
export const del = (key) => remove.run(key).changes === 1;

export function clear() {
  removeAll.run();
}

/** Runs `body` as one step: no other thread writes meanwhile. What reads a value and then writes it needs that. */
export function atomically(body) {
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

/** @param ttlMs null where it is to stay */
export function set(key, value, ttlMs) {
  removeExpired.run();
  upsert.run(key, value, ttlMs === null ? null : Date.now() + ttlMs);
}

/** Replaces the value of a key that stays alive as long as before. */
export function update(key, value) {
  const expiresAt = selectOne.get(key)?.expiresAt ?? null;
  upsert.run(key, value, expiresAt);
}
