/**
 * Copies text; resolves to whether it worked.
 * The clipboard API exists only on https and localhost, so plain http falls back to a selection and `execCommand`.
 */
export async function copyText(text: string): Promise<boolean> {
    if (window.isSecureContext && navigator.clipboard) {
        try {
            await navigator.clipboard.writeText(text);
            return true;
        } catch {
            // Permission refused: the older way may still work.
        }
    }
    return copyBySelection(text);
}

function copyBySelection(text: string): boolean {
    const focused = document.activeElement;
    const area = document.createElement('textarea');
    area.value = text;
    area.readOnly = true;
    area.className = 'sr-only';
    area.setAttribute('aria-hidden', 'true');
    document.body.append(area);
    area.select();
    try {
        return document.execCommand('copy');
    } catch {
        return false;
    } finally {
        area.remove();
        if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
    }
}
