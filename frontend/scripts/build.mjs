// Builds the web chat into frontend/dist: type check, bundle, style sheet, hashed file names, index.html. Any failure ends it.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { BuildError, loadEsbuild, nodePaths, root, tailwindProgram, typeScriptCompiler } from './toolchain.mjs';

export const siteFolder = join(root, 'dist');

export function checkTypes() {
    try {
        execFileSync(process.execPath, [typeScriptCompiler(), '--noEmit', '-p', root], { cwd: root, stdio: 'inherit' });
    } catch {
        throw new BuildError('The type check failed.');
    }
}

function bundleOptions(development) {
    return {
        absWorkingDir: root,
        bundle: true,
        define: {
            'process.env.NODE_ENV': JSON.stringify(development ? 'development' : 'production'),
            __API_URL__: JSON.stringify(process.env.VITE_API_URL ?? ''),
            // Debian 12 ships DOMPurify 2.4.1 with a back-ported check (CVE-2024-45801, depth of the first node) that names a variable
            // outside its scope, so that every call throws. The check of each node, made in the loop after it, is in order.
            // This gives the free name a harmless value; releases without the mistake have no such name.
            shadowNode: '{}',
        },
        jsx: 'automatic',
        legalComments: 'none',
        logLevel: 'warning',
        mainFields: ['module', 'browser', 'main'],
        minify: !development,
        nodePaths,
        sourcemap: development ? 'inline' : false,
        target: ['es2020', 'chrome105', 'firefox121', 'safari16.4'],
    };
}

const entries = [
    { source: 'src/boot.ts', format: 'iife' },
    { source: 'src/main.tsx', format: 'esm' },
];

async function bundle(entry, options) {
    const result = await loadEsbuild().build({ ...options, entryPoints: [entry.source], format: entry.format, write: false });
    return Buffer.from(result.outputFiles[0].contents);
}

function styleSheet(minify) {
    const target = join(root, '.cache', 'main.css');
    const options = ['--input', 'src/styles/main.css', '--output', target, ...(minify ? ['--minify'] : [])];
    try {
        execFileSync(tailwindProgram(), options, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
    } catch (error) {
        throw error instanceof BuildError ? error : new BuildError(`Tailwind CSS failed:\n${error.stderr ?? error.message}`);
    }
    return readFileSync(target);
}

/**
 * Writes the site into `output`, replacing it only when everything has gone well.
 * Gives the scripts and style sheets as pairs of path and content.
 */
export async function writeSite(output, { development = false, amendPage = (page) => page } = {}) {
    const staging = `${output}.new`;
    rmSync(staging, { recursive: true, force: true });
    mkdirSync(join(staging, 'assets'), { recursive: true });
    cpSync(join(root, 'public'), staging, { recursive: true });
    let page = readFileSync(join(root, 'index.html'), 'utf8');
    const files = [];
    const add = (source, content, extension) => {
        if (!page.includes(`"/${source}"`)) throw new BuildError(`index.html does not mention /${source}.`);
        const hash = createHash('sha256').update(content).digest('hex').slice(0, 10);
        const path = `/assets/${basename(source, extname(source))}-${hash}${extension}`;
        writeFileSync(join(staging, path), content);
        page = page.replace(`"/${source}"`, `"${path}"`);
        files.push([path, content]);
    };
    const options = bundleOptions(development);
    for (const entry of entries) add(entry.source, await bundle(entry, options), '.js');
    add('src/styles/main.css', styleSheet(!development), '.css');
    writeFileSync(join(staging, 'index.html'), amendPage(page));
    rmSync(output, { recursive: true, force: true });
    renameSync(staging, output);
    return files;
}

function reportSizes(files) {
    let total = 0;
    for (const [path, content] of files) {
        const compressed = gzipSync(content, { level: 9 }).length;
        total += compressed;
        console.log(`${path.padEnd(32)} ${kilobytes(content.length)} ${kilobytes(compressed)} gzip`);
    }
    console.log(`${'JavaScript and CSS'.padEnd(32)} ${''.padStart(9)} ${kilobytes(total)} gzip`);
}

function kilobytes(bytes) {
    return `${(bytes / 1000).toFixed(1)} kB`.padStart(9);
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
    try {
        checkTypes();
        reportSizes(await writeSite(siteFolder));
    } catch (error) {
        // esbuild has printed its own messages.
        console.error(error instanceof BuildError ? error.message : error.errors ? 'The bundle failed.' : error);
        process.exit(1);
    }
}
