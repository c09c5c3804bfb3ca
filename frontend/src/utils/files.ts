/** Larger files than this are no prompt. */
export const largestFile = 1_000_000;

export type ReadFile =
    { readonly name: string; readonly text: string } | { readonly name: string; readonly problem: 'tooLarge' | 'notText' };

/** Reads a dropped or chosen file, if it is text in UTF-8 of reasonable size. */
export async function readTextFile(file: File): Promise<ReadFile> {
    if (file.size > largestFile) return { name: file.name, problem: 'tooLarge' };
    try {
        const text = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
        return text.includes('\0') ? { name: file.name, problem: 'notText' } : { name: file.name, text: text.replace(/\r\n?/g, '\n') };
    } catch {
        return { name: file.name, problem: 'notText' };
    }
}

/** A file as part of a prompt: its name, and its text between fences that are longer than any in it. */
export function fencedFile(name: string, text: string): string {
    const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([run = '']) => run.length));
    const fence = '`'.repeat(longest + 1);
    const label = name.replace(/[`\r\n]/g, ' ');
    return `${label}:\n${fence}${extension(label)}\n${text.replace(/\n*$/, '')}\n${fence}`;
}

function extension(name: string): string {
    return /\.([A-Za-z0-9+#]{1,12})$/.exec(name)?.[1]?.toLowerCase() ?? '';
}

/** Offers a text to the reader as a file. */
export function download(name: string, type: string, text: string): void {
    const url = URL.createObjectURL(new Blob([text], { type }));
    const link = document.createElement('a');
    link.href = url;
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    window.setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A file name from a title: without signs that some systems refuse. */
export function fileName(title: string, suffix: string): string {
    const base = title.replace(/[\u0000-\u001f<>:"/\\|?*.]+/g, ' ').replace(/\s+/g, ' ').trim().slice(0, 80);
    return `${base || 'conversation'}.${suffix}`;
}
