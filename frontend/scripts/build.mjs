// Builds the web chat into frontend/dist: type check, bundle, style sheet, hashed file names, index.html. Any failure ends it.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, extname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { icon } from './icons.mjs';
import { BuildError, loadEsbuild, mathFiles, nodePaths, root, tailwindProgram, typeScriptCompiler } from './toolchain.mjs';

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
            __DEVELOPMENT__: String(development),
        },
        jsx: 'automatic',
        legalComments: 'none',
        logLevel: 'warning',
        mainFields: ['module', 'browser', 'main'],
        minify: !development,
        nodePaths,
        outdir: root,
        sourcemap: development ? 'inline' : false,
        target: ['es2020', 'chrome111', 'firefox121', 'safari16.4'],
        write: false,
    };
}

/** Scripts that are put into index.html, or (`immediate: false`) only made. Parts that are loaded on demand become files of their own. */
const boot = { source: 'src/boot.ts', format: 'iife' };
const main = { source: 'src/main.tsx', format: 'esm', splitting: true, chunkNames: 'assets/[name]-[hash]',
    entryNames: 'assets/[name]-[hash]' };
const serviceWorker = { source: 'src/serviceWorker.ts', format: 'iife' };

async function bundle({ source, ...format }, options) {
    const { outputFiles } = await loadEsbuild().build({ ...options, ...format, entryPoints: [source] });
    return outputFiles.map(({ path, contents }) => [`/${relative(root, path)}`, Buffer.from(contents)]);
}

function hashed(name, content) {
    const hash = createHash('sha256').update(content).digest('hex').slice(0, 10);
    return `/assets/${basename(name, extname(name))}-${hash}${extname(name)}`;
}

/** KaTeX's style sheet and the fonts it names, as files with hashed names. */
function mathStyles() {
    const { style, fonts } = mathFiles();
    const files = [];
    const css = readFileSync(style, 'utf8').replace(/src:([^;}]*)/g, (_, sources) => {
        const font = /[\w-]+\.woff2/.exec(sources)?.[0];
        if (!font) throw new BuildError(`KaTeX's style sheet names no WOFF2 font in: ${sources}`);
        const content = readFileSync(join(fonts, font));
        const path = hashed(font, content);
        files.push([path, content]);
        return `src:url(${path}) format("woff2")`;
    });
    const path = hashed('math.css', css);
    return { path, files: [[path, Buffer.from(css)], ...files] };
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
 * Gives the scripts and style sheets as objects of path, content, and whether every visit needs them.
 */
export async function writeSite(output, { development = false, amendPage = (page) => page } = {}) {
    const staging = `${output}.new`;
    rmSync(staging, { recursive: true, force: true });
    mkdirSync(join(staging, 'assets'), { recursive: true });
    cpSync(join(root, 'public'), staging, { recursive: true });
    let page = readFileSync(join(root, 'index.html'), 'utf8');
    const files = [];
    const put = (path, content, immediate) => {
        writeFileSync(join(staging, path), content);
        files.push({ path, content, immediate });
    };
    const mention = (source, path) => {
        if (!page.includes(`"/${source}"`)) throw new BuildError(`index.html does not mention /${source}.`);
        page = page.replace(`"/${source}"`, `"${path}"`);
    };
    const math = mathStyles();
    const options = bundleOptions(development);
    options.define.__MATH_STYLES__ = JSON.stringify(math.path);
    const [[, bootScript]] = await bundle(boot, options);
    const styles = styleSheet(!development);
    for (const [source, name, content] of [[boot.source, 'boot.js', bootScript], ['src/styles/main.css', 'main.css', styles]]) {
        const path = hashed(name, content);
        put(path, content, true);
        mention(source, path);
    }
    for (const [path, content] of await bundle(main, options)) {
        const isMain = basename(path).startsWith('main-');
        put(path, content, isMain || isImportedAtOnce(path, files));
        if (isMain) mention(main.source, path);
    }
    for (const [path, content] of math.files) put(path, content, false);
    writeIcons(staging);
    page = amendPage(page);
    writeFileSync(join(staging, 'index.html'), page);
    if (!development) await writeServiceWorker(staging, page, files, options);
    rmSync(output, { recursive: true, force: true });
    renameSync(staging, output);
    return files;
}

/** Chunks that the main script imports by `import … from`, not by `import()`. */
function isImportedAtOnce(path, files) {
    const entry = files.find((file) => basename(file.path).startsWith('main-') && file.path.endsWith('.js'));
    return entry !== undefined && new RegExp(`from\\s*"\\./${basename(path)}"`).test(entry.content.toString());
}

function writeIcons(folder) {
    writeFileSync(join(folder, 'icon-192.png'), icon(192));
    writeFileSync(join(folder, 'icon-512.png'), icon(512));
    // Systems cut a maskable icon to their own shape: all that matters lies in the middle.
    writeFileSync(join(folder, 'icon-maskable-512.png'), icon(512, { units: 52, filled: true }));
}

/** The worker knows the files of this very build, and has another text, and so another version, with every other build. */
async function writeServiceWorker(folder, page, files, options) {
    const shell = ['/index.html', '/favicon.svg', '/manifest.webmanifest', '/icon-192.png', ...files.map(({ path }) => path)];
    const version = createHash('sha256').update(page).update(shell.join('\n')).digest('hex').slice(0, 10);
    const define = { ...options.define, __SHELL__: JSON.stringify(shell), __SHELL_VERSION__: JSON.stringify(version) };
    const [[, script]] = await bundle(serviceWorker, { ...options, define });
    writeFileSync(join(folder, 'service-worker.js'), script);
}

function reportSizes(files) {
    let total = 0;
    for (const { path, content, immediate } of files.filter(({ path: name }) => /\.(js|css)$/.test(name))) {
        const compressed = gzipSync(content, { level: 9 }).length;
        if (immediate) total += compressed;
        console.log(`${path.padEnd(36)} ${kilobytes(content.length)} ${kilobytes(compressed)} gzip${immediate ? '' : '  on demand'}`);
    }
    console.log(`${'JavaScript and CSS of every visit'.padEnd(36)} ${''.padStart(9)} ${kilobytes(total)} gzip`);
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
