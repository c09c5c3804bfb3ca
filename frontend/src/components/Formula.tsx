import { useLayoutEffect, useRef, useState } from 'react';
import { useMath } from '../hooks/useChunk';
import { useTranslation } from '../hooks/useTranslation';

interface FormulaProps {
    readonly source: string;
    readonly display: boolean;
    /** As the model wrote it; shown until the formula can be drawn, and where it can't. */
    readonly raw: string;
}

export function Formula({ source, display, raw }: FormulaProps): JSX.Element {
    const { t } = useTranslation();
    const math = useMath(true);
    const place = useRef<HTMLSpanElement>(null);
    const [drawn, setDrawn] = useState('');
    useLayoutEffect(() => {
        if (math && place.current) setDrawn(math.renderMath(source, place.current, display) ? source : '');
    }, [math, source, display]);
    const ready = math !== undefined && drawn === source;
    // A wide one is scrolled, also with the keyboard.
    const block = { className: 'formula-block', role: 'group', tabIndex: 0, 'aria-label': t('formula') };
    return (
        <span {...(display ? block : { className: 'formula' })} data-drawn={ready}>
            <span ref={place} hidden={!ready} />
            {!ready && <code>{raw.trim()}</code>}
        </span>
    );
}
