import { useCallback, useRef, useState } from 'react';
import { useDismiss } from '../hooks/useDismiss';
import { useTranslation, type Translate } from '../hooks/useTranslation';
import { useStore } from '../store/createStore';
import { contextLengthOf, serverStore } from '../store/serverStore';
import type { ServerKnowledge, ServerState } from '../types/server';
import { formatCount } from '../utils/figures';
import type { TextKey } from '../utils/texts';

const stateTexts: Record<ServerState, TextKey> = {
    connecting: 'stateConnecting',
    loading: 'stateLoading',
    ready: 'stateReady',
    failed: 'stateFailed',
    unreachable: 'stateUnreachable',
};

/** A dot and the model's name, or what keeps it from answering; pressed, all that is known about the server. */
export function ModelStatus(): JSX.Element {
    const { t } = useTranslation();
    const [open, setOpen] = useState(false);
    const area = useRef<HTMLDivElement>(null);
    const button = useRef<HTMLButtonElement>(null);
    const close = useCallback((byKeyboard: boolean) => {
        setOpen(false);
        if (byKeyboard) button.current?.focus();
    }, []);
    useDismiss(area, open, close);
    const server = useStore(serverStore, (status) => status);
    const { state, model } = server;
    const text = t(stateTexts[state]);
    const busy = (server.queue?.waiting ?? 0) > 0;
    return (
        <div ref={area} className="relative min-w-0">
            <button ref={button} type="button" className="status-pill" data-state={state} aria-expanded={open}
                aria-controls="server-details"
                title={t('serverDetails')} onClick={() => setOpen(!open)}>
                <span className="status-dot" aria-hidden="true" data-busy={busy} />
                <span className="truncate">{state === 'ready' && model !== undefined ? model : text}</span>
            </button>
            <span role="status" className="sr-only">{text}</span>
            {open && <dl id="server-details" className="server-details">
                {details(server, t).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
            </dl>}
        </div>
    );
}

function details(server: ServerKnowledge, t: Translate): readonly (readonly [string, string])[] {
    const { state, detail, model, version, uptimeSeconds, queue, transport } = server;
    const context = contextLengthOf(server, null);
    const rows: (readonly [string, string | undefined])[] = [
        [t('settingsServer'), detail === undefined || state === 'ready' ? t(stateTexts[state]) : detail],
        [t('model'), model],
        [t('contextLength'), context === undefined ? undefined : t('contextTokens', { count: formatCount(context) })],
        [t('queue'), queue && t('queueState', { running: String(queue.running), waiting: String(queue.waiting) })],
        [t('connection'), transport && state === 'ready' ? t(transport === 'websocket' ? 'connectionSocket' : 'connectionEvents')
            : undefined],
        [t('version'), version],
        [t('uptime'), uptimeSeconds === undefined ? undefined : duration(uptimeSeconds, t)],
    ];
    return rows.flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, value] as const]));
}

/** Days, hours, minutes and seconds, the largest two of them. */
function duration(seconds: number, t: Translate): string {
    const parts = [[86_400, 'days'], [3_600, 'hours'], [60, 'minutes'], [1, 'seconds']] as const;
    let rest = Math.round(seconds);
    const words = parts.map(([length, unit]) => {
        const count = Math.floor(rest / length);
        rest -= count * length;
        return count > 0 ? t(unit, { count: String(count) }) : '';
    });
    return words.filter(Boolean).slice(0, 2).join(' ') || t('seconds', { count: '0' });
}
