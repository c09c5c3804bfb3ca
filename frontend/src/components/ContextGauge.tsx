import { useTranslation } from '../hooks/useTranslation';
import { shownPath, useActive } from '../store/chatStore';
import { useStore } from '../store/createStore';
import { useLiveReply } from '../store/liveReplies';
import { contextLengthOf, serverStore } from '../store/serverStore';
import { formatCount } from '../utils/figures';

const warningShare = 0.8;
const radius = 7;
const length = 2 * Math.PI * radius;

/** How much of the model's context the conversation takes, as a ring that warns before it is full. */
export function ContextGauge(): JSX.Element | null {
    const { t } = useTranslation();
    const path = useActive(shownPath);
    const model = useActive(({ conversation }) => conversation.model);
    const total = useStore(serverStore, (server) => contextLengthOf(server, model));
    const live = useLiveReply(path[path.length - 1]?.id ?? '');
    const known = [...path].reverse().find(({ figures }) => figures?.inputTokens !== undefined)?.figures;
    const before = live?.progress?.promptTokens ?? (known ? (known.inputTokens ?? 0) + (known.outputTokens ?? 0) : 0);
    const used = before + (live?.pieces ?? 0);
    if (total === undefined || used === 0) return null;
    const share = Math.min(1, used / total);
    const percent = Math.round(share * 100);
    const full = share >= warningShare;
    const text = t('contextUsed', { used: formatCount(used), total: formatCount(total), percent: String(percent) });
    return (
        <div className="context-gauge" data-full={full} title={full ? `${text} ${t('contextNearlyFull')}` : text}>
            <svg width={18} height={18} viewBox="0 0 18 18" role="meter" aria-label={text} aria-valuemin={0} aria-valuemax={100}
                aria-valuenow={percent}>
                <circle cx={9} cy={9} r={radius} className="gauge-track" />
                <circle cx={9} cy={9} r={radius} className="gauge-used" strokeDasharray={`${share * length} ${length}`}
                    transform="rotate(-90 9 9)" />
            </svg>
            <span aria-hidden="true">{percent} %</span>
        </div>
    );
}

/** Told in words when the context is nearly full. */
export function useContextWarning(): string | undefined {
    const { t } = useTranslation();
    const path = useActive(shownPath);
    const model = useActive(({ conversation }) => conversation.model);
    const total = useStore(serverStore, (server) => contextLengthOf(server, model));
    const known = [...path].reverse().find(({ figures }) => figures?.inputTokens !== undefined)?.figures;
    const used = known ? (known.inputTokens ?? 0) + (known.outputTokens ?? 0) : 0;
    return total !== undefined && used / total >= warningShare ? t('contextNearlyFull') : undefined;
}
