const { createHash } = require('node:crypto');
const { createReadStream } = require('node:fs');
const { rm } = require('node:fs/promises');
const { join } = require('node:path');
const { pipeline } = require('node:stream/promises');
const cookieParser = require('cookie-parser');
const express = require('express');
const session = require('express-session');
const multer = require('multer');
const FileStore = require('session-file-store')(session);

const app = express();
const upload = multer({ dest: join(__dirname, 'uploads'), limits: { fileSize: 32 * 1024 * 1024, files: 4 } });

app.set('trust proxy', 'loopback');
app.use(cookieParser());
app.use(express.static(join(__dirname, 'public'), { maxAge: '1h' }));
app.use(express.json({ limit: '1mb' }));
app.use(express.urlencoded({ extended: true }));
app.use(
  session({
    name: 'sid',
    secret: process.env.SESSION_SECRET ?? 'only for development',
    resave: false,
    saveUninitialized: false,
    store: new FileStore({ path: join(__dirname, 'sessions'), retries: 3, logFn() {} }),
  }),
);

app.post('/login', (req, res) => {
  if (req.body?.password !== 'open sesame') return res.status(401).json({ error: 'wrong password' });
  req.session.user = req.body.user;
  req.session.views = 0;
  res.redirect(303, '/me');
});

app.get('/me', (req, res) => {
  if (!req.session.user) return res.status(401).json({ error: 'not logged in' });
  req.session.views += 1;
  res.json({ user: req.session.user, views: req.session.views });
});

app.post('/logout', (req, res, next) => {
  req.session.destroy((error) => (error ? next(error) : res.clearCookie('sid').sendStatus(204)));
});

app.post('/upload', upload.array('files'), async (req, res) => {
  const files = [];
  for (const { path, originalname, mimetype, size } of req.files) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(path), hash);
    await rm(path);
    files.push({ name: originalname, type: mimetype, size, sha256: hash.digest('hex') });
  }
  res.status(201).json({ note: req.body.note, files });
});

app
  .route('/echo')
  .post(express.raw({ type: '*/*', limit: '16mb' }), (req, res) => {
    res.type(req.get('content-type')).send(req.body);
  })
  .put((req, res) => {
    res.json({ query: req.query, body: req.body, ip: req.ip, protocol: req.protocol, cookies: req.cookies });
  });

app.get('/download', (_req, res) => {
  res.download(join(__dirname, 'public', 'notes.txt'), 'my notes.txt');
});

app.get('/stream', async (_req, res) => {
  res.type('text/plain');
  for (let line = 0; line < 20_000; line++) {
    if (!res.write(`line ${line} of a text that is longer than what a socket takes at once\n`))
      await new Promise((resolve) => res.once('drain', resolve));
  }
  res.end();
});

app.get('/fail', () => {
  throw Object.assign(new Error('this one fails'), { status: 503 });
});

app.get('/fail-later', async () => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  throw new Error('this one fails later');
});

app.use((error, _req, res, next) => {
  if (res.headersSent) return next(error);
  res.status(error.status ?? 500).json({ error: error.message, code: error.code });
});

const port = process.env.PORT || 3000;
app.listen(port, process.env.HOST, () => {
  console.log(`Express is listening on port ${port}`);
});
