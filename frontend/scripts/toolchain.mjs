// Finds the tools in both worlds: node_modules after `npm install`, or Debian's packages and a Tailwind program from a virtual environment.
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const repository = resolve(root, '..');
const debianModules = '/usr/share/nodejs';

/** Where the bundler looks for packages that are not in node_modules. */
export const nodePaths = [debianModules];

export class BuildError extends Error {}

/** Debian keeps modules with machine code below /usr/lib/<machine>/nodejs. */
function debianMachineFolders() {
    if (!existsSync('/usr/lib')) return [];
    return readdirSync('/usr/lib').map((name) => join('/usr/lib', name, 'nodejs')).filter(existsSync);
}

function firstExisting(candidates, advice) {
    const found = candidates.find((path) => path && existsSync(path));
    if (!found) throw new BuildError(advice);
    return found;
}

export function loadEsbuild() {
    const folder = firstExisting(
        [join(root, 'node_modules'), ...debianMachineFolders(), debianModules].map((path) => join(path, 'esbuild')),
        'esbuild is missing: run `npm install` in frontend/, or `apt-get install esbuild`.',
    );
    // Debian's module doesn't find its own program.
    if (!folder.startsWith(root) && existsSync('/usr/bin/esbuild')) process.env.ESBUILD_BINARY_PATH ??= '/usr/bin/esbuild';
    return createRequire(import.meta.url)(folder);
}

export function typeScriptCompiler() {
    return firstExisting(
        [join(root, 'node_modules/typescript/bin/tsc'), join(debianModules, 'typescript/bin/tsc')],
        'The TypeScript compiler is missing: run `npm install` in frontend/, or `apt-get install node-typescript`.',
    );
}

export function tailwindProgram() {
    return firstExisting(
        [process.env.TAILWINDCSS, join(root, 'node_modules/.bin/tailwindcss'), join(repository, '.cache/venv/bin/tailwindcss')],
        'Tailwind CSS is missing: run `npm install` in frontend/, or frontend/scripts/build, which fetches it.',
    );
}

/** KaTeX's style sheet and the folder of its fonts. */
export function mathFiles() {
    const advice = 'KaTeX is missing: run `npm install` in frontend/, or `apt-get install katex libjs-katex`.';
    const style = firstExisting(
        [join(root, 'node_modules/katex/dist/katex.css'), join(debianModules, 'katex/dist/katex.css'),
            '/usr/share/javascript/katex/katex.css'],
        advice,
    );
    return { style, fonts: firstExisting([join(dirname(style), 'fonts'), '/usr/share/fonts/truetype/katex'], advice) };
}
