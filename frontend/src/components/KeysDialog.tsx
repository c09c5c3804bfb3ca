import { useTranslation } from '../hooks/useTranslation';
import { openDialog } from '../store/interfaceStore';
import { isApple } from '../utils/environment';
import type { TextKey } from '../utils/texts';
import { Dialog } from './Dialog';

const command = isApple ? '⌘' : 'Ctrl';
const shift = isApple ? '⇧' : 'Shift';

const rows: readonly (readonly [TextKey, readonly string[]])[] = [
    ['keySend', ['Enter']],
    ['keyNewLine', [shift, 'Enter']],
    ['keyStop', ['Esc']],
    ['keyEdit', ['↑']],
    ['keyNew', [command, shift, 'O']],
    ['keySearch', [command, 'K']],
    ['keySidebar', [command, shift, 'S']],
    ['keyFocus', ['/']],
    ['keySettings', [command, ',']],
    ['keyHelp', ['?']],
];

/** The list of keyboard shortcuts. */
export function KeysDialog(): JSX.Element {
    const { t } = useTranslation();
    return (
        <Dialog title={t('keys')} onClose={() => openDialog(undefined)}>
            <dl className="keys">
                {rows.map(([key, names]) => (
                    <div key={key}>
                        <dt>{t(key)}</dt>
                        <dd>{names.map((name) => <kbd key={name}>{name}</kbd>)}</dd>
                    </div>
                ))}
            </dl>
        </Dialog>
    );
}
