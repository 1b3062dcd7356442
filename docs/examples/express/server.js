/** As on plain Node.js, where `node server.js` runs it. Every thread of Paceline runs this file, and all of them listen together. */
import app from './app.js';

app.listen(process.env.PORT ?? 3000);
