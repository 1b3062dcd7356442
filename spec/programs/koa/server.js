const { createHash } = require('node:crypto');
const { createReadStream } = require('node:fs');
const { rm } = require('node:fs/promises');
const { join } = require('node:path');
const { PassThrough } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { Router } = require('@koa/router');
const Koa = require('koa');
const { koaBody } = require('koa-body');
const send = require('koa-send');

const app = new Koa({ keys: ['only for development'] });
const router = new Router();

app.use(async (ctx, next) => {
  try {
    await next();
  } catch (error) {
    ctx.status = error.status ?? 500;
    ctx.body = { error: error.expose ? error.message : 'internal error' };
  }
});
app.use(async (ctx, next) => {
  await next();
  ctx.set('x-route', ctx._matchedRoute ?? 'none');
});
app.use(
  koaBody({
    multipart: true,
    jsonLimit: '8mb',
    formidable: { maxFileSize: 32 * 1024 * 1024, uploadDir: __dirname },
  }),
);

router.get('/', (ctx) => {
  ctx.body = 'Hello Koa';
});
router.get('/users/:id', (ctx) => {
  ctx.assert(/^\d+$/.test(ctx.params.id), 400, 'an id is a number');
  ctx.body = { id: Number(ctx.params.id), query: ctx.query, ip: ctx.ip, host: ctx.host };
});
router.post('/echo', (ctx) => {
  ctx.body = ctx.request.body;
});
router.post('/upload', async (ctx) => {
  const { file } = ctx.request.files;
  const hash = createHash('sha256');
  await pipeline(createReadStream(file.filepath), hash);
  await rm(file.filepath);
  ctx.status = 201;
  ctx.body = {
    name: file.originalFilename,
    size: file.size,
    sha256: hash.digest('hex'),
    fields: ctx.request.body,
  };
});
router.get('/visits', (ctx) => {
  const visits = Number(ctx.cookies.get('visits', { signed: true }) ?? 0) + 1;
  ctx.cookies.set('visits', String(visits), { signed: true });
  ctx.body = { visits };
});
router.get('/events', (ctx) => {
  const stream = new PassThrough();
  ctx.type = 'text/event-stream';
  ctx.set('cache-control', 'no-cache');
  ctx.body = stream;
  let event = 0;
  const timer = setInterval(() => {
    stream.write(`id: ${event}\ndata: event ${event}\n\n`);
    if (++event === 5) stream.end();
  }, 10);
  stream.once('close', () => clearInterval(timer));
});
router.get('/files/:name', (ctx) => send(ctx, ctx.params.name, { root: join(__dirname, 'public') }));
router.get('/fail', () => {
  throw new Error('not for clients');
});
router.get('/nothing', (ctx) => {
  ctx.status = 204;
});
router.get('/cached', (ctx) => {
  ctx.etag = 'one';
  ctx.body = 'cached';
  if (ctx.fresh) ctx.status = 304;
});

app.use(router.routes()).use(router.allowedMethods());

app.listen(process.env.PORT || 3000, process.env.HOST, () => console.log('Koa is listening'));
