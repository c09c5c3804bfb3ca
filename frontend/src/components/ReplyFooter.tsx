import { useTranslation, type Translate } from '../hooks/useTranslation';
import { continueMessage, deleteMessage, regenerate } from '../store/actions';
import { useActive } from '../store/chatStore';
import { useStore } from '../store/createStore';
import { canAsk, contextLengthOf, serverStore } from '../store/serverStore';
import type { LiveReply, Message, ReplyFigures } from '../types/chat';
import { formatCount, formatRate, formatSeconds, liveRate } from '../utils/figures';
import { splitReasoning } from '../utils/reasoning';
import { CopyButton } from './CopyButton';
import { ForwardIcon, RetryIcon, TrashIcon } from './icons';
import { IconButton } from './IconButton';
import type { MessageItemProps } from './MessageItem';
import { VariantSwitch } from './VariantSwitch';

/** Below a finished reply: what can be done with it, how it ended, how fast it was. */
export function ReplyFooter({ message, variant, variants, isLast }: MessageItemProps): JSX.Element {
    const { t } = useTranslation();
    const able = useStore(serverStore, ({ state }) => canAsk(state));
    const model = useActive(({ conversation }) => conversation.model);
    const contextLength = useStore(serverStore, (server) => contextLengthOf(server, model));
    const cutOff = message.content !== ''
        && (message.finishReason === 'length' || message.state === 'cancelled' || message.state === 'interrupted');
    const end = endText(message, contextLength, t);
    const parts = [...(end === undefined ? [] : [end]), ...(message.figures ? figureTexts(message.figures, t) : [])];
    return (
        <div className="message-actions" data-last={isLast}>
            <VariantSwitch id={message.id} variant={variant} variants={variants} />
            <div className={isLast ? 'flex' : 'on-hover'}>
                {message.content !== '' && <CopyButton text={splitReasoning(message.content).answer} label={t('copyMessage')} iconOnly />}
                <IconButton className="icon-button small" label={t('regenerate')} data-action="regenerate" disabled={!able}
                    onClick={() => regenerate(message.id)}>
                    <RetryIcon size={16} />
                </IconButton>
                <IconButton className="icon-button small" label={t('deleteMessage')} data-action="delete"
                    onClick={() => deleteMessage(message.id)}>
                    <TrashIcon size={16} />
                </IconButton>
            </div>
            {cutOff && isLast && (
                <button type="button" className="continue-button" data-action="continue" disabled={!able}
                    onClick={() => continueMessage(message.id)}>
                    <ForwardIcon size={14} />{t('continueReply')}
                </button>
            )}
            {parts.length > 0 && (
                <ul className="figures" data-testid="figures">
                    {parts.map((part) => <li key={part}>{part}</li>)}
                </ul>
            )}
        </div>
    );
}

function endText({ state, finishReason, figures, failure }: Message, contextLength: number | undefined, t: Translate): string | undefined {
    if (state === 'cancelled') return t('stopped');
    if (state === 'interrupted' && !failure) return t('interrupted');
    if (finishReason !== 'length') return undefined;
    const { inputTokens, outputTokens } = figures ?? {};
    if (inputTokens === undefined || outputTokens === undefined) return t('someLimit');
    const isContextFull = contextLength !== undefined && inputTokens + outputTokens >= contextLength - 1;
    return isContextFull ? t('contextLimit') : t('lengthLimit', { count: formatCount(outputTokens) });
}

function figureTexts(figures: ReplyFigures, t: Translate): string[] {
    const { tokensPerSecond, firstTokenSeconds, outputTokens, inputTokens, cachedTokens } = figures;
    return [
        ...(tokensPerSecond === undefined ? [] : [t('tokensPerSecond', { rate: formatRate(tokensPerSecond) })]),
        ...(firstTokenSeconds === undefined ? [] : [t('firstToken', { time: formatSeconds(firstTokenSeconds) })]),
        ...(outputTokens === undefined ? [] : [outputTokens === 1 ? t('oneToken') : t('tokens', { count: formatCount(outputTokens) })]),
        ...(inputTokens === undefined ? [] : [t('promptTokens', { count: formatCount(inputTokens) })]),
        ...(cachedTokens === undefined || cachedTokens === 0 ? [] : [t('cachedTokens', { count: formatCount(cachedTokens) })]),
    ];
}

interface LiveFooterProps extends MessageItemProps {
    readonly live: LiveReply;
}

/** The same figures while the reply is written. */
export function LiveFooter({ live, message, variant, variants }: LiveFooterProps): JSX.Element {
    const { t } = useTranslation();
    const rate = liveRate(live);
    return (
        <div className="message-actions">
            <VariantSwitch id={message.id} variant={variant} variants={variants} />
            <ul className="figures" data-testid="live-figures" aria-hidden="true">
                {rate !== undefined && <li>{t('tokensPerSecond', { rate: rate.toFixed(0) })}</li>}
                <li>{t('tokens', { count: formatCount(live.pieces) })}</li>
            </ul>
        </div>
    );
}
