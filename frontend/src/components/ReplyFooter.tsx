import { useTranslation, type Translate } from '../hooks/useTranslation';
import type { AssistantMessage, ReplyFigures } from '../types/chat';
import { formatRate, formatSeconds } from '../utils/figures';
import { CopyButton } from './CopyButton';

/** Below a finished reply: copy, how it ended, how fast it was. */
export function ReplyFooter({ message }: { readonly message: AssistantMessage }): JSX.Element {
    const { t } = useTranslation();
    const parts: string[] = [];
    if (message.status === 'stopped') parts.push(t('stopped'));
    if (message.finishReason === 'length') parts.push(t('lengthLimit'));
    if (message.figures) parts.push(...figureTexts(message.figures, t));
    return (
        <div className="reply-footer">
            {message.content !== '' && <CopyButton text={message.content} label={t('copyMessage')} />}
            {parts.length > 0 && (
                <ul className="figures" data-testid="figures">
                    {parts.map((part) => <li key={part}>{part}</li>)}
                </ul>
            )}
        </div>
    );
}

function figureTexts(figures: ReplyFigures, t: Translate): string[] {
    const { tokensPerSecond, firstTokenSeconds, outputTokens } = figures;
    return [
        ...(tokensPerSecond === undefined ? [] : [t('tokensPerSecond', { rate: formatRate(tokensPerSecond) })]),
        t('firstToken', { time: formatSeconds(firstTokenSeconds) }),
        outputTokens === 1 ? t('oneToken') : t('tokens', { count: String(outputTokens) }),
    ];
}
