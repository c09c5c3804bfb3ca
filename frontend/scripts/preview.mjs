// `npm run preview`: serves what `npm run build` has made, on port 4173, with the API of the daemon at STELLAR_DAEMON.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { siteFolder } from './build.mjs';
import { serve } from './serve.mjs';

if (!existsSync(join(siteFolder, 'index.html'))) {
    console.error('Nothing is built yet: npm run build');
    process.exit(1);
}
serve({ folder: siteFolder, port: Number(process.env.PORT ?? 4173), daemon: process.env.STELLAR_DAEMON ?? 'http://localhost:8080' });
