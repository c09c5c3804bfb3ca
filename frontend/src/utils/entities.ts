/** Character references of HTML that occur in running text; others stay as they are written. */
const names: Readonly<Record<string, string>> = {
    amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00A0', ensp: '\u2002', emsp: '\u2003', thinsp: '\u2009', shy: '\u00AD',
    copy: '©', reg: '®', trade: '™', deg: '°', plusmn: '±', times: '×', divide: '÷', middot: '·', bull: '•', hellip: '…', ndash: '–',
    mdash: '—', lsquo: '‘', rsquo: '’', ldquo: '“', rdquo: '”', laquo: '«', raquo: '»', euro: '€', pound: '£', yen: '¥', cent: '¢',
    sect: '§', para: '¶', larr: '←', uarr: '↑', rarr: '→', darr: '↓', harr: '↔', rArr: '⇒', hArr: '⇔', le: '≤', ge: '≥', ne: '≠',
    asymp: '≈', infin: '∞', sum: '∑', prod: '∏', radic: '√', int: '∫', part: '∂', micro: 'µ', alpha: 'α', beta: 'β', gamma: 'γ',
    delta: 'δ', Delta: 'Δ', epsilon: 'ε', theta: 'θ', lambda: 'λ', mu: 'μ', pi: 'π', sigma: 'σ', Sigma: 'Σ', phi: 'φ', omega: 'ω',
    Omega: 'Ω', frac12: '½', frac14: '¼', frac34: '¾', sup2: '²', sup3: '³', check: '✓',
};

export function decodeEntities(text: string): string {
    if (!text.includes('&')) return text;
    return text.replace(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,7}));/g,
        (reference, decimal?: string, hexadecimal?: string, name?: string) => {
            if (name !== undefined) return names[name] ?? reference;
            const code = decimal !== undefined ? Number(decimal) : parseInt(hexadecimal ?? '', 16);
            return code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) ? String.fromCodePoint(code) : '\uFFFD';
        });
}
