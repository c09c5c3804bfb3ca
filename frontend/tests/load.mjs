// Bundles a module of src/ for Node, with the few things of a browser that it may touch when it is loaded.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadEsbuild, nodePaths, root } from '../scripts/toolchain.mjs';

globalThis.window ??= globalThis;

const folder = mkdtempSync(join(tmpdir(), 'stellarchat-web-'));

export async function load(name) {
    const result = await loadEsbuild().build({
        absWorkingDir: root,
        bundle: true,
        define: { __API_URL__: '""', __DEVELOPMENT__: 'true', __MATH_STYLES__: '""' },
        entryPoints: [`src/${name}.ts`],
        format: 'esm',
        mainFields: ['module', 'main'],
        nodePaths,
        platform: 'neutral',
        write: false,
    });
    const path = join(folder, `${name.replaceAll('/', '-')}.mjs`);
    writeFileSync(path, result.outputFiles[0].contents);
    return import(pathToFileURL(path));
}
