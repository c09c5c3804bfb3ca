import { useTranslation } from '../hooks/useTranslation';
import { newConversation } from '../store/chatStore';
import { NewConversationIcon, StarIcon } from './icons';
import { ModelStatus } from './ModelStatus';
import { SettingsMenu } from './SettingsMenu';

interface HeaderProps {
    /** Called after a new conversation was begun. */
    readonly onNewConversation: () => void;
    readonly canBegin: boolean;
}

export function Header({ onNewConversation, canBegin }: HeaderProps): JSX.Element {
    const { t } = useTranslation();
    const begin = (): void => {
        newConversation();
        onNewConversation();
    };
    return (
        <header className="relative z-20 flex h-14 shrink-0 items-center gap-3 border-b border-line bg-canvas px-3 sm:px-5">
            <h1 className="flex items-center gap-2 text-[15px] font-semibold tracking-tight">
                <StarIcon size={22} />
                <span className="max-sm:sr-only">{t('appName')}</span>
            </h1>
            <ModelStatus />
            <div className="ml-auto flex items-center gap-1">
                <button type="button" className="bar-button" onClick={begin} disabled={!canBegin} aria-label={t('newConversation')}>
                    <NewConversationIcon />
                    <span className="max-sm:hidden" aria-hidden="true">{t('newConversation')}</span>
                </button>
                <SettingsMenu />
            </div>
        </header>
    );
}
