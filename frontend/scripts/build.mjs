// Builds the web chat into frontend/dist: type check, bundle, style sheet, hashed file names, index.html. Any failure ends it.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { BuildError, loadEsbuild, nodePaths, root, tailwindProgram, typeScriptCompiler } from './toolchain.mjs';

const output = join(root, 'dist');
const staging = join(root, '.cache', 'dist');

export function checkTypes() {
    try {
        execFileSync(process.execPath, [typeScriptCompiler(), '--noEmit', '-p', root], { cwd: root, stdio: 'inherit' });
    } catch {
        throw new BuildError('The type check failed.');
    }
}

/** Options that the bundle, the boot script and the development server share. */
export function bundleOptions({ development = false } = {}) {
    return {
        absWorkingDir: root,
        bundle: true,
        define: {
            'process.env.NODE_ENV': JSON.stringify(development ? 'development' : 'production'),
            __API_URL__: JSON.stringify(process.env.VITE_API_URL ?? ''),
            // Debian 12 ships DOMPurify 2.4.1 with a back-ported check (of the depth of the first node, CVE-2024-45801) that names a variable
            // outside its scope, so that every call throws. The check of each node, which the loop after it makes, is in order.
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

export const entries = [
    { source: 'src/boot.ts', format: 'iife' },
    { source: 'src/main.tsx', format: 'esm' },
];

export async function bundle(entry, options = bundleOptions()) {
    const result = await loadEsbuild().build({ ...options, entryPoints: [entry.source], format: entry.format, write: false });
    return Buffer.from(result.outputFiles[0].contents);
}

export function styleSheet({ minify = true } = {}) {
    const target = join(root, '.cache', 'main.css');
    const options = ['--input', 'src/styles/main.css', '--output', target, ...(minify ? ['--minify'] : [])];
    try {
        execFileSync(tailwindProgram(), options, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
    } catch (error) {
        throw error instanceof BuildError ? error : new BuildError(`Tailwind CSS failed:\n${error.stderr ?? error.message}`);
    }
    return readFileSync(target);
}

function emit(source, content, extension) {
    const name = basename(source, extname(source));
    const hash = createHash('sha256').update(content).digest('hex').slice(0, 10);
    const path = `/assets/${name}-${hash}${extension}`;
    writeFileSync(join(staging, path), content);
    return path;
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

async function build() {
    checkTypes();
    rmSync(staging, { recursive: true, force: true });
    mkdirSync(join(staging, 'assets'), { recursive: true });
    cpSync(join(root, 'public'), staging, { recursive: true });
    let page = readFileSync(join(root, 'index.html'), 'utf8');
    const files = [];
    const add = (source, content, extension) => {
        if (!page.includes(`"/${source}"`)) throw new BuildError(`index.html does not mention /${source}.`);
        const path = emit(source, content, extension);
        page = page.replace(`"/${source}"`, `"${path}"`);
        files.push([path, content]);
    };
    for (const entry of entries) add(entry.source, await bundle(entry), '.js');
    add('src/styles/main.css', styleSheet(), '.css');
    writeFileSync(join(staging, 'index.html'), page);
    rmSync(output, { recursive: true, force: true });
    renameSync(staging, output);
    reportSizes(files);
}

if (process.argv[1] && basename(process.argv[1]) === 'build.mjs') {
    try {
        await build();
    } catch (error) {
        console.error(error instanceof BuildError ? error.message : error);
        process.exit(1);
    }
}
