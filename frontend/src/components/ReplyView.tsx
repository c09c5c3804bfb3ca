import { useMemo } from 'react';
import { useTranslation } from '../hooks/useTranslation';
import { useLiveReply } from '../store/liveReplies';
import type { ReplyProgress } from '../types/chat';
import { formatCount } from '../utils/figures';
import { splitReasoning } from '../utils/reasoning';
import { FailureNotice } from './FailureNotice';
import { Markdown } from './Markdown';
import type { MessageItemProps } from './MessageItem';
import { Reasoning } from './Reasoning';
import { LiveFooter, ReplyFooter } from './ReplyFooter';

export function ReplyView(props: MessageItemProps): JSX.Element {
    const { message, isLast } = props;
    const { t } = useTranslation();
    const live = useLiveReply(message.id);
    const text = live?.text ?? message.content;
    const { reasoning, answer, open } = useMemo(() => splitReasoning(text), [text]);
    const growing = live !== undefined || message.state === 'streaming';
    const waiting = growing && (live === undefined ? text === '' : live.pieces === 0);
    return (
        <article className="message" aria-label={t('assistant')} aria-busy={growing} data-role="assistant" data-id={message.id}
            data-state={growing ? (waiting ? 'waiting' : 'streaming') : message.state}>
            {reasoning !== undefined && <Reasoning text={reasoning} growing={growing && open} />}
            {answer !== '' && <Markdown source={answer} growing={growing} />}
            {waiting && <Waiting progress={live?.progress} />}
            {!growing && message.state === 'complete' && text === '' && <p className="text-muted">{t('emptyReply')}</p>}
            {message.failure && !growing && <FailureNotice message={message} isLast={isLast} />}
            {live && !waiting && <LiveFooter live={live} {...props} />}
            {!growing && <ReplyFooter {...props} />}
        </article>
    );
}

/** Before the first word: how many requests are ahead, or how much of the conversation the model has read. */
function Waiting({ progress }: { readonly progress: ReplyProgress | undefined }): JSX.Element {
    const { t } = useTranslation();
    const { queuePosition, promptTokens, processedTokens } = progress ?? {};
    const reading = queuePosition === undefined && promptTokens !== undefined && processedTokens !== undefined
        && promptTokens >= 256 && processedTokens < promptTokens;
    const text = queuePosition !== undefined
        ? queuePosition > 0 ? t('queued', { count: String(queuePosition) }) : t('queuedNext')
        : reading ? t('reading', { done: formatCount(processedTokens), total: formatCount(promptTokens) }) : undefined;
    return (
        <div className="waiting">
            <span className="dots" aria-hidden="true"><span /><span /><span /></span>
            {text === undefined ? <span className="sr-only">{t('thinking')}</span> : <span className="tabular-nums">{text}</span>}
            {reading && <progress max={promptTokens} value={processedTokens} aria-label={text} />}
        </div>
    );
}
