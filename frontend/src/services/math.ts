import katex from 'katex';

// Loaded on demand, as a file of its own, when the first formula is shown.

let styled: Promise<void> | undefined;

/** Waits for KaTeX's style sheet, without which a formula would be seen twice: as drawn, and as MathML for screen readers. */
export function loadMathStyles(): Promise<void> {
    styled ??= new Promise((resolve) => {
        const link = document.createElement('link');
        link.rel = 'stylesheet';
        link.href = __MATH_STYLES__;
        link.onload = () => resolve();
        link.onerror = () => resolve();
        document.head.append(link);
    });
    return styled;
}

/** Draws a formula into an element by building nodes; a formula that can't be read stays as it was written. */
export function renderMath(source: string, element: HTMLElement, display: boolean): boolean {
    try {
        katex.render(source, element, { displayMode: display, throwOnError: true, trust: false, maxSize: 20, maxExpand: 500,
            strict: 'ignore' });
        return true;
    } catch {
        return false;
    }
}
